// The contract names the address that the region means to serve; what is tried here goes where the reader is.
const place = document.getElementById("api");
fetch(place.dataset.contract)
  .then((reply) => reply.json())
  .then((contract) => {
    contract.servers = [{ url: place.dataset.server }];
    SwaggerUIBundle({
      spec: contract,
      domNode: place,
      deepLinking: true,
      validatorUrl: null,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
    });
  });

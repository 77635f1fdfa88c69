/* In a frame of Länsdata: tells the page around its height, and asks whether there are newer figures. */
const told = () => parent.postMessage({ lansdataHeight: document.documentElement.offsetHeight }, "*");
if (parent !== window) new ResizeObserver(told).observe(document.documentElement);
const notice = document.getElementById("newer");
if (notice) {
  fetch(notice.dataset.ask, { credentials: "omit" })
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then((answer) => { notice.hidden = !answer.newer; })
    .catch(() => {});
}

// Reads a JSON-stat answer of ours from standard input with the toolkit, and writes its cells one a line.
import JSONstat from "jsonstat-toolkit";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const dataset = JSONstat(JSON.parse(text));
if (dataset.class !== "dataset") throw new Error(`read as ${dataset.class}`);
const rows = dataset.toTable({ type: "arrobj", content: "id", status: true });
for (const row of rows) console.log(JSON.stringify(row));

/* <lansdata-figure indicator="N21704" municipality="0880,08,00" sex="women,men"></lansdata-figure>
   One figure of Länsdata on any page: chart, table, words and source, in a shadow tree that the page may style
   by parts and custom properties. Also fits frames of Länsdata to their height. Asks Länsdata only; no cookies. */
const HOME = new URL("..", import.meta.url);
const ASKED = ["municipality", "sex", "year", "year-from", "year-to", "breakdown", "version", "as-of", "lang"];
const SAID = {
  sv: { table: "Visa tabell", chart: "Visa diagram", loading: "Siffrorna hämtas.", failed: "Siffrorna kan inte visas just nu.",
    newer: "Det finns nyare siffror", more: "Mer om siffrorna", none: "ingen uppgift" },
  en: { table: "Show table", chart: "Show chart", loading: "The figures are on their way.", failed: "The figures cannot be shown right now.",
    newer: "There are newer figures", more: "More about the figures", none: "no figure" },
};
const STYLE = `
:host { display: block; font: var(--lansdata-font, 1rem/1.5 system-ui, Arial, sans-serif); color: var(--lansdata-ink, #1b1b1b);
  background: var(--lansdata-background, #fff); overflow-wrap: break-word; }
:host([hidden]) { display: none; }
.title { font-size: 1.15em; font-weight: 700; margin: 0; line-height: 1.3; }
p { margin: .35em 0; }
.subtitle, .source { color: var(--lansdata-faint, #595959); }
img { max-width: 100%; height: auto; display: block; }
a, button { color: var(--lansdata-accent, #00437d); font: inherit; }
button { background: none; border: 1px solid; padding: .3em .8em; cursor: pointer; min-height: 2em; }
:focus-visible { outline: 3px solid var(--lansdata-accent, #00437d); outline-offset: 2px; }
.notice { border-left: 4px solid var(--lansdata-accent, #00437d); padding: .25em .75em; }
.frame { overflow: auto; max-height: 30em; border: 1px solid #b8b8b8; position: relative; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3em .5em; }
th, td { padding: .25em .5em; border-top: 1px solid #dcdcdc; text-align: right; vertical-align: top; }
th:first-child, .said { text-align: left; }
th[scope=row] { font-weight: 400; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; border: 0; }
[hidden] { display: none; }
@media print { button { display: none; } .frame { max-height: none; overflow: visible; } }
`;

function made(name, part, text) {
  const element = document.createElement(name);
  if (part) element.part = element.className = part;
  if (text !== undefined) element.textContent = text;
  return element;
}

function tableOf(told, said) {
  const table = made("table", "table");
  table.append(made("caption", "", told.title + ". " + told.subtitle));
  const head = table.createTHead().insertRow();
  for (const text of [told.table.corner, ...told.table.columns]) {
    const cell = made("th", "", text);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of told.table.rows) {
    const line = body.insertRow();
    if (!row.cells.length) {
      const cell = made("td", "said", row.heading);
      cell.colSpan = told.table.columns.length + 1;
      line.append(cell);
      continue;
    }
    const heading = made("th", "", row.heading);
    heading.scope = "row";
    line.append(heading);
    for (const cell of row.cells) {
      const place = line.insertCell();
      if (cell.exact) {
        const data = made("data", "", cell.text);
        data.value = cell.exact;
        place.append(data, cell.flags ? " (" + cell.flags + ")" : "");
      } else if (cell.absent) {
        place.append(made("small", "", cell.absent));
      } else {
        const dash = made("span", "", "–");
        dash.setAttribute("aria-hidden", "true");
        const word = made("span", "", said.none);
        word.className = "unseen";
        place.append(word, dash);
      }
    }
  }
  return table;
}

class LansdataFigure extends HTMLElement {
  static observedAttributes = ["indicator", "view", ...ASKED];
  #seen = false;
  #turn = 0;
  #told = null;
  #watch = null;

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    this.shadowRoot.adoptedStyleSheets = [sheet];
    this.shadowRoot.append(document.createElement("slot"));
  }

  connectedCallback() {
    this.#watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.#watch.disconnect();
      this.#seen = true;
      this.#load();
    }, { rootMargin: "400px" });
    this.#watch.observe(this);
  }

  disconnectedCallback() {
    this.#watch?.disconnect();
    this.#turn += 1;
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.#seen) return;
    if (name === "view") this.#draw();
    else this.#load();
  }

  get #said() {
    return SAID[this.getAttribute("lang") === "en" ? "en" : "sv"];
  }

  #address() {
    const address = new URL("embed/" + encodeURIComponent(this.getAttribute("indicator") ?? "") + "/figure.json", HOME);
    for (const name of ASKED) {
      const text = this.getAttribute(name);
      if (text) address.searchParams.set(name.replace(/-(.)/, (_, letter) => letter.toUpperCase()), text);
    }
    return address;
  }

  async #load() {
    const turn = ++this.#turn;
    if (!this.#told) this.shadowRoot.replaceChildren(made("p", "status", this.#said.loading), document.createElement("slot"));
    try {
      const answer = await fetch(this.#address(), { credentials: "omit", referrerPolicy: "no-referrer" });
      const told = await answer.json();
      if (turn !== this.#turn) return;
      if (!answer.ok) throw new Error(told.detail ?? answer.status);
      this.#told = told;
      this.#draw();
      this.#ask(turn);
      this.dispatchEvent(new CustomEvent("lansdata-shown", { bubbles: true, composed: true }));
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#told = null;
      const words = made("p", "status", this.#said.failed);
      words.setAttribute("role", "status");
      this.shadowRoot.replaceChildren(words, document.createElement("slot"));
      console.warn("lansdata-figure:", error.message);
    }
  }

  async #ask(turn) {
    if (!this.#told.newer) return;
    try {
      const answer = await fetch(this.#told.newer, { credentials: "omit", referrerPolicy: "no-referrer" });
      if (answer.ok && (await answer.json()).newer && turn === this.#turn) {
        this.#told.isNewer = true;
        this.#draw();
      }
    } catch { /* whether there is newer is not known just now; what is shown is right */ }
  }

  #draw() {
    const told = this.#told;
    if (!told) return;
    const said = this.#said, asTable = this.getAttribute("view") === "table";
    const level = Math.min(Math.max(Number(this.getAttribute("heading")) || 3, 1), 6);
    const root = made("section", "figure");
    root.lang = told.language;
    root.append(made("h" + level, "title", told.title), made("p", "subtitle", told.subtitle));
    if (told.isNewer) {
      const notice = made("p", "notice", said.newer + ": ");
      notice.append(Object.assign(made("a", "", told.title), { href: told.page }));
      root.append(notice);
    }
    root.append(made("p", "summary", told.summary));
    const frame = made("div", "frame");
    frame.append(tableOf(told, said));
    if (asTable) {
      frame.tabIndex = 0;
      frame.setAttribute("role", "region");
      frame.setAttribute("aria-label", told.title);
    } else frame.classList.add("unseen");
    const picture = made("img", "picture");
    picture.alt = told.alternative;
    const width = Math.min(Math.max(Math.round((this.clientWidth || 720) / 60) * 60, 300), 960);
    picture.src = told.chart + (told.chart.includes("?") ? "&" : "?") + "width=" + width;
    picture.hidden = asTable;
    const toggle = made("button", "toggle", asTable ? said.chart : said.table);
    toggle.type = "button";
    toggle.addEventListener("click", () => {
      this.setAttribute("view", asTable ? "chart" : "table");
      this.shadowRoot.querySelector("button").focus();
    });
    root.append(frame, picture);
    if (asTable) for (const text of [...told.breaks, ...told.absent, ...told.notes]) root.append(made("p", "words", text));
    const source = made("p", "source", told.source + " ");
    source.append(Object.assign(made("a", "more", said.more), { href: told.page }));
    root.append(toggle, source);
    this.shadowRoot.replaceChildren(root);
  }
}

if (!customElements.get("lansdata-figure")) customElements.define("lansdata-figure", LansdataFigure);

addEventListener("message", (event) => {
  if (event.origin !== HOME.origin || typeof event.data?.lansdataHeight !== "number") return;
  for (const frame of document.querySelectorAll("iframe")) {
    if (frame.contentWindow === event.source) frame.height = Math.ceil(event.data.lansdataHeight);
  }
});

/**
 * An element with text and children. Text is only ever text: nothing of a request becomes markup here, and the page's
 * policy (Trusted Types) would refuse it.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child ?? ""))));
  return made;
}

/** A table. A cell is text, a number, or an element; columns stay, rows are replaced. */
export class ZionTable extends HTMLElement {
  #body = document.createElement("tbody");

  connectedCallback() {
    const columns = (this.dataset.columns ?? "").split("|");
    const head = element("tr", {}, ...columns.map((title) => element("th", { scope: "col" }, title)));
    this.replaceChildren(element("table", {}, element("thead", {}, head), this.#body));
  }

  show(rows) {
    const shown = rows.length === 0 ? [["none yet"]] : rows;
    this.#body.replaceChildren(...shown.map((row) => element("tr", {}, ...row.map(cell))));
  }
}

export function cell(value) {
  if (value instanceof Node) return element("td", {}, value);
  return typeof value === "number"
    ? element("td", { class: "number" }, value.toLocaleString("en"))
    : element("td", {}, value);
}

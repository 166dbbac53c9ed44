import { element } from "./element.js";

/**
 * Configurations that were in force or refused; an earlier one can be compared with today's, and put in force again with a
 * token for it.
 */
export class ZionGenerations extends HTMLElement {
  #body = element("tbody");
  onRollBack = () => {};
  onCompare = () => {};

  connectedCallback() {
    const titles = ["Generation", "Time", "By", "Result", "Changes", ""];
    const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));
    this.replaceChildren(element("table", {}, element("thead", {}, head), this.#body));
  }

  show(generations, current) {
    const rows = generations.map((one) => {
      const { generation } = one;
      const canReturn = one.result === "loaded" && generation !== current;
      const buttons = canReturn
        ? element(
            "span",
            {},
            element("button", { onclick: () => this.onCompare(generation) }, `Compare ${generation}`),
            element("button", { onclick: () => this.onRollBack(generation) }, `Roll back to ${generation}`),
          )
        : element("span", {}, generation === current && one.result === "loaded" ? "in force" : "");
      const cells = [
        generation,
        one.time.slice(0, 19).replace("T", " "),
        one.by,
        element("span", { class: one.result === "loaded" ? "good" : "bad" }, one.result),
        one.problem ?? one.changes ?? "",
        buttons,
      ];
      return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
    });
    this.#body.replaceChildren(...rows);
  }
}

import { element } from "./element.js";

/** Configurations that were in force or refused; an earlier one can be put in force again with a token for it. */
export class ZionGenerations extends HTMLElement {
  #body = element("tbody");
  onRollBack = () => {};

  connectedCallback() {
    const titles = ["Generation", "Time", "By", "Result", "Changes", ""];
    const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));
    this.replaceChildren(element("table", {}, element("thead", {}, head), this.#body));
  }

  show(generations, current) {
    const rows = generations.map((one) => {
      const canReturn = one.result === "loaded" && one.generation !== current;
      const button = canReturn
        ? element(
            "button",
            { onclick: () => this.onRollBack(one.generation) },
            `Roll back to ${one.generation}`,
          )
        : element("span", {}, one.generation === current && one.result === "loaded" ? "in force" : "");
      const cells = [
        one.generation,
        one.time.slice(0, 19).replace("T", " "),
        one.by,
        element("span", { class: one.result === "loaded" ? "good" : "bad" }, one.result),
        one.problem ?? one.changes ?? "",
        button,
      ];
      return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
    });
    this.#body.replaceChildren(...rows);
  }
}

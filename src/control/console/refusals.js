import { element } from "./element.js";

/** More are in the gateway's ring; a page that is left open must not grow. */
const SHOWN = 100;

/** Newest first, each with what explains it and how to let it pass. */
export class ZionRefusals extends HTMLElement {
  #body = element("tbody");
  #seen = new Set();
  /** Called with a decision, and with a finding to exclude. */
  onExplain = () => {};
  onExclude = () => {};

  connectedCallback() {
    const titles = ["Time", "Client", "Request", "Route", "Why", "Where", ""];
    const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));
    this.replaceChildren(element("table", {}, element("thead", {}, head), this.#body));
  }

  add(decision) {
    if (this.#seen.has(decision.requestId)) return;
    this.#seen.add(decision.requestId);
    this.#body.prepend(this.#row(decision));
    while (this.#body.childElementCount > SHOWN) {
      this.#seen.delete(this.#body.lastElementChild.dataset.id);
      this.#body.lastElementChild.remove();
    }
  }

  #row(decision) {
    const {
      requestId,
      time,
      client,
      method,
      host,
      path,
      route,
      gate,
      reason,
      status,
      decision: kind,
    } = decision;
    const places = decision.findings.map(({ rule, place }) => `${rule} in ${place}`).join(", ");
    const buttons = [element("button", { onclick: () => this.onExplain(decision) }, "Explain")];
    if (route !== "" && decision.findings.length > 0)
      buttons.push(element("button", { onclick: () => this.onExclude(decision) }, "Exclude"));
    const cells = [
      time.slice(11, 23),
      client,
      `${method} ${host}${path}`,
      route,
      element("span", { class: kind === "shadow" ? "warn" : "bad" }, `${status} ${gate} ${reason}`),
      places,
      element("span", {}, ...buttons.flatMap((button) => [button, " "])),
    ];
    return element("tr", { "data-id": requestId }, ...cells.map((cell) => element("td", {}, cell)));
  }
}

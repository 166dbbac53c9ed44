/** The admin listener, asked with the token that was given to this page; it is in memory only. */
export class Gateway {
  #token = "";

  useToken(token) {
    this.#token = token;
  }

  async get(path) {
    const answer = await this.#ask(path, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(await problemOf(answer));
    return answer.json();
  }

  async post(path, body = {}) {
    const headers = { "Content-Type": "application/json" };
    const answer = await this.#ask(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await problemOf(answer));
    return answer.json();
  }

  /**
   * Listens until it ends or fails; `onEvent` gets name and data. EventSource cannot send a token, so the stream is read
   * here.
   */
  async listen(onEvent) {
    const answer = await this.#ask("/v1/events", { headers: { Accept: "text/event-stream" } });
    if (!answer.ok) throw new Error(await problemOf(answer));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const name = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (name !== undefined && data !== undefined) onEvent(name, JSON.parse(data));
      }
    }
  }

  async #ask(path, { headers, ...rest }) {
    const token = this.#token;
    const own = token === "" ? headers : { ...headers, Authorization: `Bearer ${token}` };
    const answer = await fetch(path, { ...rest, headers: own });
    // Shown again and again, a wrong token would lock everybody at this address out.
    if (answer.status === 401 && this.#token === token) this.#token = "";
    return answer;
  }
}

async function problemOf(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return `${answer.status} ${text.slice(0, 300)}`;
  }
}

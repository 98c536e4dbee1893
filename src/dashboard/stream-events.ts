/** An event of a stream of server-sent events. */
export interface StreamedEvent {
  /** 'message' if the stream names none. */
  readonly name: string;
  readonly data: string;
}

/** Takes the text of a stream in parts, and returns the events that are complete (WHATWG HTML, "Server-sent events"). */
export class StreamEvents {
  #rest = '';
  #name = '';
  #data: string[] = [];

  take(text: string): StreamedEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    const events: StreamedEvent[] = [];
    for (const line of lines) {
      if (line === '') events.push(...this.#dispatch());
      else this.#field(line);
    }
    return events;
  }

  #field(line: string): void {
    // A line that begins with a colon is a comment: its name is empty.
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#name = value;
    else if (name === 'data') this.#data.push(value);
  }

  #dispatch(): StreamedEvent[] {
    const [name, data] = [this.#name || 'message', this.#data.join('\n')];
    const isEmpty = this.#data.length === 0;
    this.#name = '';
    this.#data = [];
    return isEmpty ? [] : [{ name, data }];
  }
}

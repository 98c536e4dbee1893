/** A client that keeps cookies and follows no redirect. */
export class Browser {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  async get(path: string, init: RequestInit = {}): Promise<Page> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(this.#origin + path, {
      redirect: 'manual',
      ...init,
      headers: { Cookie: cookie, ...(init.headers as Record<string, string> | undefined) },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    const body = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, text: body.toString(), size: body.length };
  }

  send(path: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    return this.get(path, { method: 'POST', body: new URLSearchParams(fields) });
  }
}

export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly size: number;
}

/** How programs are told an address, by the name of the program. They do not read HOST, which Candor has set. */
const options: Readonly<Record<string, string>> = {
  next: '`next start -H 127.0.0.1`',
  'node-red': '`uiHost: "127.0.0.1"` in its settings.js',
  gunicorn: '`gunicorn -b 127.0.0.1:$PORT`',
  hypercorn: '`hypercorn -b 127.0.0.1:$PORT`',
  uvicorn: '`uvicorn --host 127.0.0.1`',
  fastapi: '`fastapi run --host 127.0.0.1`',
  flask: '`flask run --host 127.0.0.1`',
  django: '`manage.py runserver 127.0.0.1:$PORT`',
  'manage.py': '`manage.py runserver 127.0.0.1:$PORT`',
  streamlit: '`streamlit run --server.address 127.0.0.1`',
  jupyter: '`jupyter lab --ServerApp.ip=127.0.0.1`',
  vite: '`vite --host 127.0.0.1`',
  astro: '`astro dev --host 127.0.0.1`',
  nuxt: '`nuxt dev --host 127.0.0.1`',
  ng: '`ng serve --host 127.0.0.1`',
  webpack: '`webpack serve --host 127.0.0.1`',
  'http-server': '`http-server -a 127.0.0.1`',
  serve: '`serve -l tcp://127.0.0.1:$PORT`',
  verdaccio: '`verdaccio --listen 127.0.0.1:$PORT`',
  puma: '`puma -b tcp://127.0.0.1:$PORT`',
  rails: '`rails server -b 127.0.0.1`',
  rackup: '`rackup -o 127.0.0.1`',
  php: '`php -S 127.0.0.1:$PORT`',
  prometheus: '`prometheus --web.listen-address=127.0.0.1:$PORT`',
};

/** A command may be a script of many words. */
const wordsMax = 40;

/** What to do about an application that listens elsewhere, or where strangers reach it. `host`: the HOST of its configuration; undefined: Candor's, 127.0.0.1. */
export function listenAdvice(command: readonly string[] = [], host?: string): string {
  const let127 = 'let it listen on 127.0.0.1';
  const option = optionOf(command);
  if (option !== null) return `${let127}: ${option}`;
  if (host !== undefined && host !== '127.0.0.1')
    return `${let127}: its HOST environment variable is ${host}, by the configuration`;
  return `${let127} by a setting or an option of its own, such as --host: it does not read the HOST environment variable, which Candor sets to 127.0.0.1`;
}

/** The option of the first program that is known; a command may be a shell, `npx`, or an interpreter with a module. */
function optionOf(command: readonly string[]): string | null {
  const words = command
    .filter((_, index) => !/^(?:-[ep]|--eval|--print)$/.test(command[index - 1] ?? '')) // A program's own text.
    .flatMap((word) => word.split(/[\s;&|]+/))
    .slice(0, wordsMax);
  for (const word of words) {
    const name = word.slice(word.lastIndexOf('/') + 1).replace(/\.(?:c?js|mjs|cmd)$/, '');
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option !== undefined) return option;
  }
  return null;
}

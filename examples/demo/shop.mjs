// A small application as many are: it needs a moment to start, then serves a page and says that it is well.
import { createServer } from 'node:http';

const port = Number(process.env.PORT);
const started = new Date();

const page = (request) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A small shop behind Candor</title>
<style>
  :root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif; }
  body { max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem; }
  h1 { font-size: 1.6rem; line-height: 1.25; }
  li { margin: 0.4rem 0; }
  a { color: light-dark(#0b57d0, #8ab4f8); }
  small { opacity: 0.7; }
</style>
<h1>This page works.</h1>
<p>A small application answered it. Candor started the application, waited until it was ready, and
passed your request on.</p>
<p>These do not work, each in a way of its own, and say why:</p>
<ul>
  <li><a href="/demo/unreachable">unreachable</a>: nobody listens where the application should be</li>
  <li><a href="/demo/too-slow">too slow</a>: the application takes the request and says nothing</li>
  <li><a href="/demo/reset">reset</a>: the application closes the connection instead of answering</li>
  <li><a href="/demo/garbage">garbage</a>: what comes back is not HTTP</li>
  <li><a href="/demo/maintenance">maintenance</a>: the operator has closed this part on purpose</li>
</ul>
<p><small>Request id ${escapeHtml(request.headers['x-request-id'] ?? 'none')}, application started ${started.toISOString()}</small></p>
</html>
`;

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') {
    response.writeHead(200, { 'Content-Type': 'text/plain' }).end('well\n');
  } else if (request.url === '/') {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page(request));
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('The shop has no such page.\n');
  }
});

// What applications do before they listen: open a database, read templates.
setTimeout(() => {
  server.listen(port, '127.0.0.1', () => console.log(`the shop is open on port ${port}`));
}, 300);

process.on('SIGTERM', () => server.close(() => process.exit(0)));

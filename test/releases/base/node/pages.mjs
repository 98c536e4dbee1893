import { assets } from './config.mjs';

function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Shop: ${title}</title>
<link rel="stylesheet" href="/assets/${assets.css}">
<script src="/assets/${assets.js}" defer></script></head>
<body><nav><a href="/">Shop</a> <a href="/search?q=cheese">Search</a> <a href="/account">Account</a></nav>
${body}
</body></html>
`;
}

const paragraph = 'Everything that a kitchen needs, sent within a day, and taken back within thirty. ';

export function homePage(products) {
  const items = products.map(({ id, name }) => `<li><a href="/product/${id}">${name}</a></li>`).join('\n');
  return page('home', `<h1>Welcome</h1><p>${paragraph.repeat(8)}</p>\n<ul>${items}</ul><img src="/images/hero.svg">`);
}

export function productPage({ id, name, price }, stock) {
  return page(
    name,
    `<h1>${name}</h1><p class="price">${(price / 100).toFixed(2)} EUR</p><p>${stock} in stock</p>
<p>${paragraph.repeat(20)}</p><form method="post" action="/api/cart"><input name="product" value="${id}"></form>`,
  );
}

export function searchPage(text, products) {
  const items = products.map(({ id, name }) => `<li><a href="/product/${id}">${name}</a></li>`).join('\n');
  return page('search', `<h1>Results for ${text}</h1><ol class="results">${items}</ol><p>${paragraph.repeat(10)}</p>`);
}

export function accountPage(user) {
  return page('account', `<h1>Account of ${user}</h1><p>${paragraph.repeat(5)}</p>`);
}

export function loginPage() {
  return page('log in', '<h1>Log in</h1><form method="post" action="/login"><input name="user"></form>');
}

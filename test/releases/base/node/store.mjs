import { createHmac } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataFolder, sessionKey, stockUrl } from './config.mjs';

mkdirSync(dataFolder, { recursive: true });
const database = new DatabaseSync(join(dataFolder, 'shop.sqlite'), { timeout: 3000 });
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
database.exec(`
  CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, user TEXT, total INTEGER);
  CREATE TABLE IF NOT EXISTS carts (user TEXT, product INTEGER, count INTEGER);
`);

const statements = new Map();
function prepare(text) {
  if (!statements.has(text)) statements.set(text, database.prepare(text));
  return statements.get(text);
}

/** What the large database of the shop takes for a query. */
export async function query(ms) {
  await sleep(ms);
}

export const productCount = 200;

export function productOf(id) {
  if (!(id >= 1 && id <= productCount)) return null;
  const name = id % 4 === 0 ? `Käse Nº ${id}` : `Product ${id}`;
  return { id, name, price: 500 + ((id * 37) % 1000) };
}

export async function stockOf(id) {
  if (stockUrl === null) return id % 20;
  const response = await fetch(`${stockUrl}/stock/${id}`, { signal: AbortSignal.timeout(2000) });
  if (!response.ok) throw Object.assign(new Error(`stock: ${response.status}`), { status: 503 });
  return (await response.json()).stock;
}

export async function placeOrder(user, product, count) {
  await query(80);
  const id = `o-${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;
  const total = product.price * count;
  prepare('INSERT INTO orders (id, user, total) VALUES (?, ?, ?)').run(id, user, total);
  return { order: id, total };
}

export async function orderOf(id) {
  await query(8);
  const row = prepare('SELECT id, total FROM orders WHERE id = ?').get(id);
  return row === undefined ? null : { order: row.id, total: row.total };
}

export async function addToCart(user, product, count) {
  await query(10);
  prepare('DELETE FROM carts WHERE user = ? AND product = ?').run(user, product);
  prepare('INSERT INTO carts (user, product, count) VALUES (?, ?, ?)').run(user, product, count);
}

export async function cartOf(user) {
  await query(8);
  const rows = prepare('SELECT product, count FROM carts WHERE user = ? LIMIT 20').all(user);
  return { user, items: rows.map(({ product, count }) => ({ product, count })) };
}

export function tokenOf(user) {
  return `${user}.${createHmac('sha256', sessionKey).update(user).digest('hex').slice(0, 24)}`;
}

export function userOf(token) {
  const user = token.split('.')[0] ?? '';
  return user !== '' && tokenOf(user) === token ? user : null;
}

import { readFileSync } from 'node:fs';

export const port = Number(process.env.PORT ?? 3000);
export const host = process.env.HOST ?? '127.0.0.1';
export const dataFolder = process.env.DATA_DIR ?? 'data';
export const stockUrl = process.env.STOCK_URL ?? null;
export const sessionKey = process.env.SESSION_KEY ?? 'development-key';
export const version = readFileSync(new URL('VERSION', import.meta.url), 'utf8').trim();
export const assets = JSON.parse(readFileSync(new URL('assets.json', import.meta.url), 'utf8'));

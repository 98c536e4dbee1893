/**
 * Node's HTTP, for the admin API and its clients. An `import` of it reads every export, and the export `WebSocket` loads a second
 * HTTP client: 15 MB of the main thread (ADR 4).
 */
export const nodeHttp = process.getBuiltinModule('node:http');

import { createServer } from 'node:http';
import { collectorPort } from './gateways.ts';

/** Takes every request of an OTLP exporter, and reads none of them. */
createServer((request, response) => {
  request.resume();
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
}).listen(collectorPort, '127.0.0.1');

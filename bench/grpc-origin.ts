import { createServer, type ServerHttp2Stream } from 'node:http2';
import { grpcMessage, grpcPort } from './gateways.ts';

/**
 * Answers unary gRPC calls, after it has read them: what nginx answers by itself it answers earlier, and resets the call,
 * which a gateway may see before the response.
 */
const message = Buffer.from(grpcMessage, 'latin1');

const server = createServer();
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.on('error', () => stream.destroy());
  stream.on('wantTrailers', () => {
    // A load generator that ends resets its calls, and Node throws for a stream that is gone.
    if (!stream.destroyed) stream.sendTrailers({ 'grpc-status': '0' });
  });
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(message);
  });
  stream.resume();
});
server.listen(grpcPort, '127.0.0.1');

import { SerialConnection } from '../serial-connection.ts';
import type { CreateConnection } from '../ports.ts';
import { FastCgiStream } from './stream.ts';

export const createFastCgi: CreateConnection = (transport, settings, ports, owner) =>
  new SerialConnection(
    transport,
    settings,
    ports,
    owner,
    (connection) => new FastCgiStream(connection, settings, ports),
  );

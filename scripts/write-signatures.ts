import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';
import { signatureTable } from './signature-table.ts';

/** Writes the table by which the client tells the gateway in front of a service from the service. */
writeFileSync(join(repositoryRoot, 'packages/client/src/signatures/table.ts'), signatureTable());

/** AES-256-GCM of one secret: what it belongs to is associated data, so that no value can be moved to another name. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../core/random.ts';
import { refuseDamaged, refuseWrongKey, type SealedSecret, type SecretInfo, secretsPath } from './secret-file.ts';
import type { SecretKey } from './secret-keys.ts';

const nonceBytes = 12;
const tagBytes = 16;

export function sealSecret(info: SecretInfo, value: string, key: SecretKey, random: Random): SealedSecret {
  const { application, name, version, changedAt, changedBy } = info;
  const nonce = new Uint8Array(nonceBytes);
  random.fill(nonce);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagBytes });
  cipher.setAAD(associatedData(info));
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    ...{ application, name, version, changedAt, changedBy, key: key.id },
    nonce: Buffer.from(nonce).toString('base64'),
    sealed: sealed.toString('base64'),
  };
}

/** Throws `SecretRefused`, and never returns what was not encrypted with this key for this name. */
export function unsealSecret(secret: SealedSecret, keys: readonly SecretKey[], folder: string): string {
  const path = secretsPath(folder);
  const key = keys.find(({ id }) => id === secret.key);
  if (key === undefined) refuseWrongKey(secret.key, keys, folder);
  const sealed = Buffer.from(secret.sealed, 'base64');
  const nonce = Buffer.from(secret.nonce, 'base64');
  if (nonce.length !== nonceBytes || sealed.length < tagBytes) refuseDamaged(path, `the secret ${secret.name} is cut`);
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagBytes });
  decipher.setAAD(associatedData(secret));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    return refuseDamaged(path, `the secret ${secret.name} is not what was written`);
  }
}

function associatedData({ application, name, version, changedAt, changedBy }: SecretInfo): Uint8Array {
  return Buffer.from(JSON.stringify(['candor secret', 1, application, name, version, changedAt, changedBy]));
}

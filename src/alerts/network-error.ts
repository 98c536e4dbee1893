/** Why nothing could be sent to a target, in words. The codes are those of Node and OpenSSL. */
interface DeliveryFault {
  /** One clause. */
  readonly reason: string;
  /** One sentence. */
  readonly nextStep: string;
}

export function deliveryFault(error: unknown, destination: string): DeliveryFault {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known = faults[code] ?? faultOfFamily(code);
  const shown = code === '' ? '' : ` (${code})`;
  return { reason: `${destination} ${known.reason}${shown}`, nextStep: known.nextStep };
}

const lookAtNetwork = 'See whether this machine reaches the address (`curl -v`), and whether a firewall lets it out.';
const trustCa = 'Name the CA that issued its certificate in `ca_file`, or use the name that the certificate has.';

const faults: Readonly<Record<string, DeliveryFault>> = {
  ECONNREFUSED: {
    reason: 'refused the connection',
    nextStep: 'See whether the service runs, and whether the port is right.',
  },
  ENOTFOUND: {
    reason: 'is no name that can be resolved',
    nextStep: 'Correct the host name, or the name servers of this machine.',
  },
  EAI_AGAIN: { reason: 'could not be looked up', nextStep: 'See whether the name servers of this machine answer.' },
  ECONNRESET: { reason: 'closed the connection without an answer', nextStep: lookAtNetwork },
  EPIPE: { reason: 'closed the connection without an answer', nextStep: lookAtNetwork },
  ETIMEDOUT: { reason: 'did not accept the connection in time', nextStep: lookAtNetwork },
  ABORT_ERR: { reason: 'did not answer in time', nextStep: lookAtNetwork },
  CERT_HAS_EXPIRED: { reason: 'shows a certificate that has expired', nextStep: 'Renew the certificate there.' },
  CERT_NOT_YET_VALID: {
    reason: 'shows a certificate that is not valid yet',
    nextStep: 'Compare the clocks of both machines.',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: { reason: 'shows a self-signed certificate', nextStep: trustCa },
  SELF_SIGNED_CERT_IN_CHAIN: { reason: 'shows a certificate of an unknown CA', nextStep: trustCa },
  UNABLE_TO_GET_ISSUER_CERT: { reason: 'shows a certificate of an unknown CA', nextStep: trustCa },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { reason: 'shows a certificate of an unknown CA', nextStep: trustCa },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { reason: 'shows a certificate of an unknown CA', nextStep: trustCa },
  ERR_TLS_CERT_ALTNAME_INVALID: { reason: 'shows a certificate for another name', nextStep: trustCa },
};

function faultOfFamily(code: string): DeliveryFault {
  if (code.startsWith('HPE_'))
    return {
      reason: 'answered with something that is no HTTP',
      nextStep: 'See whether the URL has the right port and scheme.',
    };
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_'))
    return {
      reason: 'did not complete the TLS handshake',
      nextStep: 'See whether the port speaks TLS (`openssl s_client -connect`).',
    };
  return { reason: 'could not be reached', nextStep: lookAtNetwork };
}

/** Why a program could not be started. */
export function programFault(error: unknown, program: string): DeliveryFault {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT')
    return { reason: `${program} does not exist (ENOENT)`, nextStep: 'Correct the path of the program.' };
  if (code === 'EACCES')
    return {
      reason: `${program} may not be executed (EACCES)`,
      nextStep: `Make it executable for the user of the gateway (\`chmod +x ${program}\`).`,
    };
  return {
    reason: `${program} could not be started (${code === '' ? 'unknown' : code})`,
    nextStep: 'Run the command by hand as the user of the gateway.',
  };
}

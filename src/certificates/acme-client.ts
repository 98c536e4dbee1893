import { isIP } from 'node:net';
import { failWith, type Result, succeed } from '#failures/result.ts';
import {
  type AcmeDirectory,
  type AcmeOrder,
  plainText,
  readDirectory,
  readOrder,
  readRenewalWindow,
  type RenewalWindow,
} from './acme-documents.ts';
import { type AcmeFailure, acmeFailure, durationText, failureOfProblem, hostOf, malformed } from './acme-failure.ts';
import { type AcmePorts, AcmeSession } from './acme-session.ts';
import { authorize, type ChallengeCheck, type OrderStepListener } from './authorize.ts';
import { readCertificate } from './certificate-facts.ts';
import type { ChallengeResponder } from './challenges.ts';
import { createSigningRequest } from './x509-certificate.ts';
import { type AccountKeyPem, AccountSigner, bindExternalAccount, type ExternalAccount } from './jws.ts';

export interface AcmeSettings {
  readonly directoryUrl: string;
  /** Who confirms with it that he agrees to the CA's terms of service. */
  readonly contacts: readonly string[];
  readonly externalAccount: ExternalAccount | null;
}

/** An account at a CA. */
export interface AcmeAccount {
  readonly key: AccountKeyPem;
  /** Null: not registered yet. */
  readonly url: string | null;
}

export interface CertificateOrder {
  readonly names: readonly string[];
  readonly responder: ChallengeResponder;
  /** Looks why a challenge failed; null: it is not looked. */
  readonly check: ChallengeCheck | null;
  /** The `renewalId` of the certificate that this one replaces (RFC 9773 §5); null: none. */
  readonly replaces: string | null;
  readonly onStep: OrderStepListener;
}

/** What a CA has issued: the chain, and the private key, in PEM. */
export interface IssuedChain {
  readonly chain: string;
  readonly key: string;
}

interface RenewalInformation {
  readonly window: RenewalWindow;
  /** When to ask again; null: the CA does not say. */
  readonly retryAfterMs: number | null;
}

/** With such a clock certificates would seem to be due, or not valid: an order would use up the CA's limits in vain. */
const clockDifferenceMsMax = 86_400_000;

/** A client of one CA (RFC 8555) for one account. Its methods never reject, and may not be called before another has ended. */
export class AcmeClient {
  readonly #ports: AcmePorts;
  readonly #settings: AcmeSettings;
  readonly #session: AcmeSession;
  readonly #signer: AccountSigner;
  #directory: AcmeDirectory | null = null;
  #accountUrl: string | null;

  constructor(ports: AcmePorts, settings: AcmeSettings, account: AcmeAccount) {
    this.#ports = ports;
    this.#settings = settings;
    this.#signer = new AccountSigner(account.key);
    this.#session = new AcmeSession(ports, this.#signer);
    this.#accountUrl = account.url;
  }

  /** Registers the account if it is not known. Returns its URL, which the caller keeps. */
  async account(): Promise<Result<string, AcmeFailure>> {
    if (this.#accountUrl !== null) return succeed(this.#accountUrl);
    const directory = await this.#readDirectory();
    if (!directory.ok) return directory;
    const { contacts, externalAccount, directoryUrl } = this.#settings;
    const url = directory.value.newAccount;
    if (directory.value.externalAccountRequired && externalAccount === null) {
      return failWith(externalAccountMissing(directoryUrl));
    }
    const binding = externalAccount && bindExternalAccount(externalAccount, this.#signer.jwk, url);
    const payload = {
      termsOfServiceAgreed: true,
      ...(contacts.length > 0 && { contact: contacts.map((address) => `mailto:${address}`) }),
      ...(binding && { externalAccountBinding: binding }),
    };
    const reply = await this.#session.post('account', url, null, payload);
    if (!reply.ok) {
      const { kind, problemType } = reply.failure;
      const isRefused = kind === 'rejected' && (problemType === 'unauthorized' || problemType === 'malformed');
      if (!isRefused && !(kind === 'account' && problemType === 'externalAccountRequired')) return reply;
      const failure = { ...reply.failure, kind: 'account' as const };
      return failWith(externalAccount === null ? failure : externalAccountRefused(failure, externalAccount.keyId));
    }
    const location = reply.value.headers['location'];
    if (location === undefined || !URL.canParse(location)) {
      return failWith(malformed('account', url, 'no URL of the account', reply.value.status));
    }
    this.#accountUrl = location;
    return succeed(location);
  }

  /** Orders a certificate, with a new key. */
  async issue(order: CertificateOrder): Promise<Result<IssuedChain, AcmeFailure>> {
    const first = await this.#issueOnce(order);
    if (first.ok) return first;
    // The CA has forgotten the account (a test CA was restarted, or its data were lost): it gets it again.
    if (first.failure.problemType === 'accountDoesNotExist' && this.#accountUrl !== null) {
      this.#accountUrl = null;
      return this.#issueOnce(order);
    }
    // The CA does not know the certificate that would be replaced, or has one for it.
    const { problemType, step } = first.failure;
    const isAboutReplaced = problemType === 'alreadyReplaced' || (step === 'order' && problemType === 'malformed');
    return isAboutReplaced && order.replaces !== null ? this.#issueOnce({ ...order, replaces: null }) : first;
  }

  async #issueOnce(order: CertificateOrder): Promise<Result<IssuedChain, AcmeFailure>> {
    order.onStep('order');
    // Read again for each order: a process runs for months. Its response shows the CA's time as well.
    this.#directory = null;
    const directory = await this.#readDirectory();
    if (!directory.ok) return directory;
    if (Math.abs(this.#session.clockDifferenceMs ?? 0) > clockDifferenceMsMax) return failWith(this.#wrongClock());
    const account = await this.account();
    if (!account.ok) return account;
    const url = directory.value.newOrder;
    const reply = await this.#session.post('order', url, account.value, {
      identifiers: order.names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ...(order.replaces !== null && directory.value.renewalInfo !== null && { replaces: order.replaces }),
    });
    if (!reply.ok) return reply;
    const document = readOrder(reply.value.json);
    const orderUrl = reply.value.headers['location'];
    if (document === null || orderUrl === undefined) {
      return failWith(malformed('order', url, 'no order', reply.value.status));
    }
    for (const authorization of document.authorizations) {
      const authorized = await authorize(
        { session: this.#session, signer: this.#signer, account: account.value, clock: this.#ports.clock },
        order,
        authorization,
      );
      if (!authorized.ok) return authorized;
    }
    return this.#finalize(order, orderUrl, account.value);
  }

  async #finalize(
    { names, onStep }: CertificateOrder,
    orderUrl: string,
    account: string,
  ): Promise<Result<IssuedChain, AcmeFailure>> {
    onStep('finalize');
    const session = this.#session;
    const ready = await session.poll('order', orderUrl, account, readOrder, ({ status }) => status !== 'pending');
    if (!ready.ok) return ready;
    if (ready.value.status === 'invalid') return failWith(invalidOrder(orderUrl, ready.value));
    const { der, key } = createSigningRequest(names);
    const csr = der.toString('base64url');
    const sent = await session.post('finalize', ready.value.finalize, account, { csr });
    if (!sent.ok) return sent;
    const isDone = ({ status }: AcmeOrder) => status === 'valid' || status === 'invalid';
    const done = await session.poll('finalize', orderUrl, account, readOrder, isDone);
    if (!done.ok) return done;
    const { certificate } = done.value;
    if (done.value.status === 'invalid') return failWith(invalidOrder(orderUrl, done.value));
    if (certificate === null) return failWith(malformed('finalize', orderUrl, 'no URL of the certificate', null));
    const chain = await session.post('download', certificate, account, null, 'application/pem-certificate-chain');
    if (!chain.ok) return chain;
    const issued = { chain: chain.value.body, key };
    const wrong = this.#judgeIssued(names, issued, certificate);
    return wrong === null ? succeed(issued) : failWith(wrong);
  }

  /** A certificate that would not serve must not replace one that does. */
  #judgeIssued(names: readonly string[], { chain, key }: IssuedChain, url: string): AcmeFailure | null {
    const facts = readCertificate(chain, key);
    if (facts === null) return malformed('download', url, 'no certificate for the key of the order', null);
    // An address has several forms.
    const missing = names.filter((name) => isIP(name) === 0 && !facts.names.includes(name.toLowerCase()));
    if (missing.length > 0) {
      const sentence = `the certificate that the CA's server ${hostOf(url)} issued does not cover ${missing.join(', ')}`;
      return acmeFailure('wrong_certificate', 'download', url, {
        sentence,
        fix: 'report it to the CA, or use another',
      });
    }
    const now = this.#ports.clock.wallTime();
    return facts.notBefore <= now && now < facts.notAfter ? null : this.#wrongClock();
  }

  #wrongClock(): AcmeFailure {
    const difference = this.#session.clockDifferenceMs ?? 0;
    const sentence =
      Math.abs(difference) < 1000
        ? "by this machine's clock the new certificate is not valid now"
        : `this machine's clock is ${durationText(Math.abs(difference))} ${difference > 0 ? 'behind' : 'ahead of'} the CA's`;
    const fix = 'set the clock of this machine (`timedatectl` shows it)';
    return acmeFailure('clock', 'order', this.#settings.directoryUrl, { sentence, fix });
  }

  /** Null: the CA gives no renewal information, or not for this certificate. */
  async renewalInformation(renewalId: string): Promise<Result<RenewalInformation | null, AcmeFailure>> {
    const directory = await this.#readDirectory();
    if (!directory.ok) return directory;
    if (directory.value.renewalInfo === null) return succeed(null);
    const url = `${directory.value.renewalInfo.replace(/\/$/, '')}/${renewalId}`;
    const reply = await this.#session.get('renewal_information', url);
    if (!reply.ok) return reply.failure.status === 404 ? succeed(null) : reply;
    const window = readRenewalWindow(reply.value.json);
    if (window === null) return failWith(malformed('renewal_information', url, 'no window', reply.value.status));
    return succeed({ window, retryAfterMs: reply.value.retryAfterMs });
  }

  async #readDirectory(): Promise<Result<AcmeDirectory, AcmeFailure>> {
    if (this.#directory !== null) return succeed(this.#directory);
    const url = this.#settings.directoryUrl;
    const reply = await this.#session.get('directory', url);
    if (!reply.ok) return reply;
    const directory = readDirectory(reply.value.json);
    if (directory === null) return failWith(malformed('directory', url, 'no directory', reply.value.status));
    this.#directory = directory;
    this.#session.nonceUrl = directory.newNonce;
    return succeed(directory);
  }
}

function externalAccountMissing(url: string): AcmeFailure {
  return acmeFailure('account', 'account', url, {
    sentence: `the CA's server ${hostOf(url)} wants an external account, and none is configured`,
    fix: 'write the key that the CA gives you as "external_account" (it is for the CA that is named as "directory"), or name a CA that needs none',
  });
}

function externalAccountRefused(failure: AcmeFailure, keyId: string): AcmeFailure {
  const said = failure.detail ?? failure.problemType ?? `status ${failure.status}`;
  return {
    ...failure,
    sentence: `the CA does not accept the external account ${plainText(keyId)}: ${said}`,
    fix: 'compare "key_id" and the content of "hmac_key_file" under "external_account" with what the CA shows; some keys can be used once, so that a new one is needed',
  };
}

function invalidOrder(url: string, { error }: AcmeOrder): AcmeFailure {
  const failure = failureOfProblem('finalize', url, null, error, null);
  if (failure.kind !== 'rejected') return failure;
  const sentence = `the CA declared the order invalid: ${error?.detail ?? 'it does not say why'}`;
  return { ...failure, kind: 'order_invalid', sentence };
}

import { createHmac, createSecretKey } from 'node:crypto';
import { SessionTokens } from '../../policy/session-tokens.ts';
import { StickyBalancer, type StickySessions } from '../../policy/sticky-sessions.ts';
import { type FeatureHooks, type FeaturePart, workerFeature } from '../worker-feature.ts';
import { stickyName, type StickySettings } from './settings.ts';
import { stickySessionFilter } from './worker-filter.ts';

/** Without a lifetime of its own a cookie goes with the browser, which may be open for days. */
const lifetimeOfOpenBrowserMs = 24 * 3_600_000;

export function sessionsOf(upstream: string, spec: StickySettings, wallTime: () => number): StickySessions {
  const secret = createHmac('sha256', spec.key ?? '')
    .update(`candor session ${upstream}`)
    .digest();
  const key = createSecretKey(secret);
  const tokens = new SessionTokens(
    (text) => createHmac('sha256', key).update(text).digest('base64url'),
    spec.cookieLifetimeMs ?? lifetimeOfOpenBrowserMs,
  );
  return { spec, tokens, wallTime };
}

/** The filter tells clients by a cookie which endpoint has answered, and the balancer sends them there. */
export function stickyHooks(sessions: StickySessions): FeatureHooks {
  return {
    filters: [stickySessionFilter(sessions)],
    balancer: {
      around: (inner) => new StickyBalancer(inner, sessions),
      keepsDraining: sessions.spec.keepsDraining,
    },
  };
}

interface StickyPart extends FeaturePart {
  readonly settings: string;
}

export const sticky = workerFeature<StickySettings, StickyPart>({
  name: stickyName,
  prepare({ id }, spec, { clock }, previous) {
    const settings = JSON.stringify(spec);
    // Another balancer would have to learn its sessions anew.
    if (previous?.settings === settings) return previous;
    return { settings, hooks: stickyHooks(sessionsOf(id, spec, () => clock.wallTime())) };
  },
});

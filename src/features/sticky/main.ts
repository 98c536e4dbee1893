import { keptKey } from '../../deploy/kept-key.ts';
import { mainFeature, type MainFeaturePorts, type MainPart } from '../main-feature.ts';
import { stickyName, type StickySettings } from './settings.ts';

/**
 * Gives workers the key that signs the cookies of sticky sessions, where the configuration names none. It is kept in the state folder, so that sessions
 * outlive restarts and upgrades; without a folder that can be used each process has its own. It is created when a configuration first needs it.
 */
export class StickyKeys implements MainPart<StickySettings> {
  readonly #ports: Pick<MainFeaturePorts, 'random' | 'stateFolder'>;
  #key: string | null = null;

  constructor(ports: Pick<MainFeaturePorts, 'random' | 'stateFolder'>) {
    this.#ports = ports;
  }

  use(): void {}

  forWorkers(spec: StickySettings): StickySettings {
    if (spec.key !== null) return spec;
    this.#key ??= keptKey(this.#ports.stateFolder, 'session-key', this.#ports.random);
    return { ...spec, key: this.#key };
  }
}

export const sticky = mainFeature<StickySettings, StickyKeys>({
  name: stickyName,
  start: (ports) => new StickyKeys(ports),
});

import { lazyWorkerFeature } from '../worker-feature.ts';
import { sendFilesName, type SendFilesSpec } from './settings.ts';

export const sendFiles = lazyWorkerFeature(
  sendFilesName,
  () => import('./worker-sender.ts'),
  ({ hooksOf }, _, spec: SendFilesSpec, ports) => ({ hooks: hooksOf(spec, ports) }),
);

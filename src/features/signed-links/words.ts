import { featureWords, settingsOf } from '../feature-words.ts';
import { signedLinksName, type SignedLinksSpec, type SignedLinksStatus } from './settings.ts';

export const signedLinksWords = featureWords<SignedLinksStatus>({
  settings: settingsOf(signedLinksName, ({ linkKeys, methods, isBoundToAddress }: SignedLinksSpec) => ({
    access: {
      signedLinks: `${linkKeys.length} ${linkKeys.length === 1 ? 'key' : 'keys'}`,
      linkMethods: methods.join(' '),
      ...(isBoundToAddress ? { boundToAddress: true } : {}),
    },
  })),
  status: {
    title: 'SIGNED LINKS',
    rows: ({ signedLinks: views }) =>
      views.map(({ route, admitted, refused }) => {
        const count = refused.reduce((sum, one) => sum + one.count, 0);
        return {
          tone: 'good',
          cells: [`route ${route}`, `${admitted} admitted`, `${count} refused`],
          note: refused.map((one) => `${one.fault.replaceAll('_', ' ')} ${one.count}`).join(', '),
        };
      }),
  },
});

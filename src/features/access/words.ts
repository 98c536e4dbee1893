import { featureWords, type FlatSettings, settingsOf } from '../feature-words.ts';
import { accessName, type AccessSpec, type AccessStatus, type CertificateRule, type RuleLists } from './settings.ts';

export const accessWords = featureWords<AccessStatus>({
  settings: settingsOf(accessName, ({ networks, countries, userAgents, certificates, isDryRun }: AccessSpec) => ({
    access: {
      ...(networks?.allow == null ? {} : { allow: networks.allow.shown }),
      ...(networks?.deny == null ? {} : { deny: networks.deny.shown }),
      ...shownValues('countries', countries),
      ...(countries?.allowsUnknown === true ? { unknownCountries: 'allow' } : {}),
      ...shownValues('userAgents', userAgents),
      ...shownValues('certificates', {
        allow: certificates?.allow?.map(shownRule) ?? null,
        deny: certificates?.deny?.map(shownRule) ?? null,
      }),
      ...(isDryRun ? { dryRun: true } : {}),
    },
  })),
  status: {
    title: 'ACCESS',
    rows: ({ access: views }) =>
      views.map(({ route, dryRun, refused }) => {
        const count = refused.reduce((sum, one) => sum + one.count, 0);
        return {
          tone: 'good',
          cells: [`route ${route}`, dryRun ? `${count} would be refused (dry run)` : `${count} refused`],
          note: refused.map((one) => `${one.rule} ${one.count}`).join(', '),
        };
      }),
  },
});

function shownValues(name: string, rules: RuleLists | null): FlatSettings {
  const [allow, deny] = [rules?.allow ?? null, rules?.deny ?? null];
  return {
    ...(allow === null ? {} : { [`${name}Allowed`]: allow.join(' ') }),
    ...(deny === null ? {} : { [`${name}Denied`]: deny.join(' ') }),
  };
}

function shownRule(rule: CertificateRule): string {
  return Object.entries(rule)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ');
}

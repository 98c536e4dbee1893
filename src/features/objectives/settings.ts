export const objectivesName = 'slo';

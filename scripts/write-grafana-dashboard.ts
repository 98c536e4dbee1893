import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Panel, rows } from './grafana-panels.ts';
import { repositoryRoot } from './repository.ts';

/** Writes the Grafana dashboard from the table of its panels: `node scripts/with-node.cjs scripts/write-grafana-dashboard.ts`. */
export const dashboardPath: string = join(repositoryRoot, 'packaging/grafana/candor.json');

const source = { type: 'prometheus', uid: '${datasource}' };
const columns = 24;
const panelHeight = 8;

export function grafanaDashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { h: 1, w: columns, x: 0, y },
      id: panels.length + 1,
      panels: [],
    });
    y += 1;
    let x = 0;
    for (const panel of row.panels) {
      if (x + panel.width > columns) [x, y] = [0, y + panelHeight];
      panels.push(panelOf(panel, panels.length + 1, { h: panelHeight, w: panel.width, x, y }));
      x += panel.width;
    }
    y += panelHeight;
  }
  const dashboard = {
    title: 'Candor',
    uid: 'candor-gateway',
    tags: ['candor'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [datasource, variable('instance', 'candor_uptime_seconds'), variable('upstream', 'candor_endpoints')],
    },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

const datasource = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' };

/** A list of the values of a label, of which all are chosen at first. */
function variable(label: string, metric: string): object {
  const query = `label_values(${metric}, ${label})`;
  const all = { includeAll: true, allValue: '.*', multi: true, current: { text: 'All', value: '$__all' } };
  return {
    name: label,
    type: 'query',
    label,
    datasource: source,
    query: { query, refId: label },
    refresh: 2,
    sort: 1,
    ...all,
  };
}

function panelOf({ title, says, kind, unit, queries, isStacked }: Panel, id: number, gridPos: object): object {
  const stacking = isStacked === true ? { stacking: { mode: 'normal' }, fillOpacity: 40 } : {};
  return {
    id,
    type: kind,
    title,
    description: says,
    datasource: source,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0, custom: stacking }, overrides: [] },
    targets: queries.map(({ expression, legend, hasExemplars }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: source,
      expr: expression,
      legendFormat: legend,
      ...(hasExemplars === true ? { exemplar: true } : {}),
      ...(kind === 'table' ? { format: 'table', instant: true } : {}),
    })),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(dashboardPath, grafanaDashboard());

/** Ports of databases, caches, brokers and mail: who fails to connect there is an application, not a gateway. */
const ports: ReadonlySet<string> = new Set(
  '25 389 465 587 636 1433 1521 2181 2379 2380 3306 4222 5432 5433 5671 5672 6379 6380 7687 8086 8529 9042 9092 9093 9200 9300 11211 15672 26257 26379 27017 27018 27019 33060 50000'.split(
    ' ',
  ),
);

const names =
  /\b(?:[Mm]ongo\w*|[Rr]edis\w*|ioredis|[Pp]ostgres\w*|psycopg\w*|[Mm]y[Ss][Qq][Ll]\w*|[Mm]aria[Dd][Bb]|[Ss]equelize\w*|[Pp]risma\w*|[Tt]ype[Oo][Rr][Mm]|[Kk]nex\w*|[Hh]ikari\w*|[Kk]afka\w*|[Aa]mqp\w*|[Rr]abbit[Mm][Qq]|[Ee]lastic\w*|[Mm]emcache\w*|[Cc]assandra|[Ss][Mm][Tt][Pp]\w*|nodemailer|[Ll]dap\w*|[Ee]tcd\w*|[Cc]lick[Hh]ouse|[Nn]eo4j|jdbc|JDBC|ODBC|SQLSTATE\w*|[Ss][Qq][Ll][Aa]lchemy|ActiveRecord|django\.db)\b/;

/** Whether the words are about a connection to a data store, a broker or a mail server. */
export function isAboutDataStore(text: string): boolean {
  if (names.test(text)) return true;
  const [, port] =
    /(?:connect\w* |dial tcp |ECONN\w{3,8} |ETIMEDOUT |->)(?:\[[\da-f:]{2,40}\]|[\w.:-]{1,255}?):(\d{2,5})(?=\D|$)/.exec(
      text,
    ) ?? [];
  return port !== undefined && ports.has(port);
}

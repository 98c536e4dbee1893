import { recoverAfter, startLater } from './recovery.ts';

// A program: measures how long a gateway with default settings keeps refusing after its application is back.
// node test/gateway/recovery-run.ts [seconds that the application is down] [rounds]

const [downS = '20', rounds = '3'] = process.argv.slice(2);
for (let round = 1; round <= Number(rounds); round++) {
  const away = await recoverAfter(Number(downS) * 1000);
  console.log(`down for ${downS} s: served ${away.servedAfterMs} ms after it listened; ${answers(away.whileDown)}`);
  const late = await startLater(1000);
  console.log(
    `started 1 s after the gateway: served ${late.servedAfterMs} ms after it listened; ${answers(late.whileDown)}`,
  );
}

function answers(whileDown: Readonly<Record<number, number>>): string {
  const counts = Object.entries(whileDown).map(([status, count]) => `${count} times ${status}`);
  return `while nothing listened: ${counts.join(', ') || 'nothing'}`;
}

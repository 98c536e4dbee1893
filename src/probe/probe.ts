import { socketConnector } from '../transport/connect.ts';
import { createNameResolver } from '../transport/resolve.ts';
import { judgeProbe } from './judge-probe.ts';
import type { ProbeOptions, ProbePorts } from './probe-ports.ts';
import type { ProbeReport } from './probe-report.ts';
import { sessionPorts } from './probe-session.ts';
import { probeWay } from './probe-way.ts';
import { warmUp } from './warm-up.ts';

/**
 * The bypass test: requests a URL directly and, if there is a gateway, through it, and says which layer fails. It sends GET and
 * HEAD alone unless it may write, follows no redirect, sends no credentials, and limits time and bytes. The ways are probed one
 * after the other, so that neither disturbs the other's times.
 */
export async function probe(options: ProbeOptions, ports: ProbePorts): Promise<ProbeReport> {
  const resolver = ports.resolver ?? createNameResolver(ports.clock);
  const shared = sessionPorts(ports, ports.connector ?? socketConnector);
  const { target, via } = options;
  await warmUp(shared);
  const direct = await probeWay('direct', target, options, resolver, shared);
  const gateway = via === null ? null : await probeWay('gateway', via, options, resolver, shared);
  return { direct, gateway, verdict: judgeProbe(direct, gateway) };
}

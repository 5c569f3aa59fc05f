// Holds what the Prometheus operator reads against the schemas of its kinds: JSON documents, one a line, from standard input.
import { createInterface } from 'node:readline';

const kinds = ['ServiceMonitor', 'PrometheusRule'];
const problems = [];
let count = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const document = JSON.parse(line);
  if (!kinds.includes(document.kind)) throw new Error(`no schema for ${document.kind}`);
  const models = await import(`@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/${document.kind}`);
  try {
    new models[document.kind](document).validate();
  } catch (error) {
    problems.push(`${document.kind}: ${error.message}`);
  }
  count += 1;
}
console.log(problems.join('\n') || `${count} documents of the Prometheus operator are right`);
process.exitCode = problems.length || count === 0 ? 1 : 0;

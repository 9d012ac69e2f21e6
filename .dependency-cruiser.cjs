/**
 * The house: which folder of `src` may import which (docs/architecture.md shows the picture).
 * `tools/import-directions.test.ts` proves that a forbidden import is caught.
 */
const MAY_IMPORT = {
  core: [],
  protocols: ['core'],
  media: ['core'],
  telemetry: ['core'],
  config: ['core'],
  journal: ['core', 'telemetry'],
  storage: ['core', 'net', 'telemetry'],
  database: ['core', 'telemetry'],
  delivery: ['core', 'net', 'telemetry'],
  net: ['core', 'telemetry'],
  prompts: ['core', 'media', 'net', 'telemetry'],
  streaming: ['core', 'net', 'telemetry'],
  sip: ['core', 'protocols', 'telemetry'],
  bridge: ['core', 'protocols', 'media', 'journal', 'telemetry'],
  render: ['core', 'protocols', 'media', 'journal', 'telemetry'],
  calls: ['core', 'telemetry'],
  identity: ['core', 'telemetry'],
  api: ['core', 'calls', 'identity', 'telemetry'],
  workers: [
    'core',
    'bridge',
    'render',
    'journal',
    'storage',
    'database',
    'prompts',
    'config',
    'telemetry',
  ],
  cli: ['core', 'config', 'journal', 'telemetry'],
  sim: ['core', 'protocols', 'media', 'sip', 'telemetry'],
};

const PURE = ['core', 'protocols', 'media'];

const folderRules = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  name: `${folder}-imports-only-${allowed.length > 0 ? allowed.join('-') : 'itself'}`,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...folderRules,
    {
      name: 'no-unknown-folders',
      comment: 'A new folder is added to the table above and to docs/architecture.md first.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(MAY_IMPORT).join('|')})/` },
      to: {},
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-folders-import-no-node-modules',
      severity: 'error',
      from: { path: `^src/(${PURE.join('|')})/`, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(events|buffer|crypto)$' },
    },
    {
      name: 'crypto-only-in-protocols',
      comment: 'protocols: SRTP and digests, with keys and nonces handed in.',
      severity: 'error',
      from: { path: '^src/(core|media)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], path: '^(node:)?crypto$' },
    },
    {
      name: 'sim-uses-only-the-stack-of-sip',
      comment:
        'Simulated phones share transports, transactions and dialogs, never the registrar or policy.',
      severity: 'error',
      from: { path: '^src/sim/' },
      to: { path: '^src/sip/(server|registrar|trunks|identity)' },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '(\\.test\\.ts$|^test/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};

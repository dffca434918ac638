/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      comment:
        'Except what a manifest’s `imports` maps to a builtin, or on Bare to a package: such as `#fs`.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^#(fs|http|https|net|os|path|ws)$' }
    },
    {
      name: 'siblings-by-package-name',
      comment: 'A package reaches another one by its name, never by a path into its folder.',
      severity: 'error',
      from: { path: '^(packages|examples)/([^/]+)/' },
      to: { path: '^(packages|examples)/', pathNot: '^$1/$2/', dependencyTypes: ['local'] }
    },
    {
      name: 'relay-client-on-top',
      comment: 'What servers and clients share lies below both: nothing reaches up into the client.',
      severity: 'error',
      from: { path: '^packages/relay/src/', pathNot: '^packages/relay/src/(client/|swarm/|index[.]ts$)' },
      to: { path: '^packages/relay/src/client/' }
    },
    {
      name: 'portable-source',
      comment:
        'What is published also runs on Bare: no Node builtins, but behind the names that `imports` maps.',
      severity: 'error',
      from: {
        path: '^packages/[^/]+/src/',
        pathNot: '^packages/(test-kit/|[^/]+/src/platform/[^/]+[.]d[.]ts$)'
      },
      to: { dependencyTypes: ['core'] }
    },
    {
      name: 'declared',
      comment:
        'Whatever is imported stands in the manifest. (`npm-no-pkg` also stands for peerDependenciesMeta.)',
      severity: 'error',
      from: { path: '^(packages|examples|bench)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] }
    },
    {
      name: 'no-dev-dependency-in-source',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '^packages/test-kit/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer', 'type-only'] }
    }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'default']
    }
  }
}

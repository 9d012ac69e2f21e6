import { expect, test } from 'vitest';
import { TokenResources } from './token-resources.ts';

const resources = new TokenResources({
  ownHosts: ['127.0.0.1', '::1', 'deck.example.com'],
  apiNames: ['tapedeck', 'AAAAAAAA-0000-4000-8000-000000000001'],
});

test.each([
  ['https://graph.microsoft.com', 'graph'],
  ['https://graph.microsoft.com/', 'graph'],
  ['https://Graph.Microsoft.com', 'graph'],
  ['https://microsoftgraph.chinacloudapi.cn', 'graph'],
  ['00000003-0000-0000-c000-000000000000', 'graph'],
  ['https://127.0.0.1:8443', 'graph'],
  ['http://127.0.0.1:8080', 'graph'],
  ['https://[::1]:8443', 'graph'],
  ['https://deck.example.com', 'graph'],
  ['api://tapedeck', 'graph'],
  ['api://aaaaaaaa-0000-4000-8000-000000000001', 'graph'],
  ['https://communication.azure.com', 'communication'],
  ['https://communication.azure.com/', 'communication'],
  ['https://communication.azure.com//', 'communication'],
] as const)('%s means %s', (identifier, resource) => {
  expect(resources.resourceOf(identifier)).toBe(resource);
});

test.each([
  '',
  'graph',
  'http://graph.microsoft.com',
  'https://graph.microsoft.com:8443',
  'https://graph.microsoft.com.evil.test',
  'https://evil.test/graph.microsoft.com',
  'https://deck.example.com/path',
  'https://deck.example.com?x=1',
  'https://user@deck.example.com',
  'ftp://deck.example.com',
  'api://other',
  'api://',
  'api://tapedeck/more',
  `https://deck.example.com${'/'.repeat(600)}`,
])('%s means nothing here', (identifier) => {
  expect(resources.resourceOf(identifier)).toBeUndefined();
});

"""A directory of bodies, and channels of which one is served by a person."""

from typing import Final

BODIES: Final = """\
se-police:
  country: SE
  name: Swedish Police
  kind: police
  takes: device
  languages: [sv, en]
  phone: 114 14
  verified_on: '2026-11-01'
  source: a test
any-police:
  country: any
  name: Your own police
  kind: police
  takes: any
  address: https://police.example.org/
  source: a test
se-hotline:
  country: SE
  name: A hotline
  kind: form
  takes: any
  languages: [sv]
  address: https://hotline.example.org/tips
  source: a test
gb-hotline:
  country: GB
  name: Another hotline
  kind: form
  takes: url
  languages: [en]
  address: https://hotline.example.net/report
  source: a test
"""
POLICE_IN_HAND: Final = """\
police:
  kind: hand_over
  scope: external
  carries: [category, noticed_how, where_found, urgency, country, jurisdiction, asset_tag, hashes, received_at, url]
  readable_by: [security]
  to: police
  page: ombuds-desk
"""
CHANNELS_IN_HAND: Final = f"""\
security-desk:
  {{kind: folder, scope: internal, carries: [category, severity, claim_by], readable_by: [security], path: a}}
legal-desk: {{kind: folder, scope: internal, carries: [category, claim_by, link], readable_by: [legal], path: b}}
ombuds-desk: {{kind: folder, scope: internal, carries: [severity], readable_by: [ombuds], path: c}}
{POLICE_IN_HAND}"""

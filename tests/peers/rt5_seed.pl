# Gives a fresh RT what a concern needs: queues, custom fields, a service account with a token.
# Run by rt5.sh with the token's file as argument; doing it again changes nothing.
use strict; use warnings; use lib '/usr/share/request-tracker5/lib';
use RT; RT->LoadConfig; RT->Init;
my ($token_file) = @ARGV;
my $system = RT->SystemUser;
sub must { my ($id, $message) = @_; die(($message // 'failed') . "\n") unless $id; return $id }
sub grant {
    my ($principal, $object, @rights) = @_;
    $principal->HasRight(Right => $_, Object => $object) or must($principal->GrantRight(Right => $_, Object => $object)) for @rights;
}

# Readers and writers of SQLite do not lock each other out.
$RT::Handle->dbh->do('PRAGMA journal_mode=WAL');

my %queue;
# Withdrawn is where recalled tickets go; only the service account sees it.
for my $name ('Safeguarding', 'Facilities', 'Withdrawn') {
    my $queue = $queue{$name} = RT::Queue->new($system); $queue->Load($name);
    must($queue->Create(Name => $name, Description => "$name, for tests")) unless $queue->id;
}

# Facilities lacks Severity on purpose: RT then drops the value and still answers 201.
my @categories = qw(csam_suspected grooming_suspected child_at_risk livestreamed_abuse_suspected sexual_extortion
    harassment discrimination violence_or_threat retaliation fraud corruption data_protection security_incident
    health_and_safety other);
my @fields = (
    ['Reference id', 'FreeformSingle'], ['Category', 'SelectSingle', @categories],
    ['Severity', 'SelectSingle', qw(low medium high critical)],
    ['Claim by', 'FreeformSingle'], ['Link', 'FreeformSingle'],
);
my $type = RT::Ticket->CustomFieldLookupType;
for (@fields) {
    my ($name, $kind, @values) = @$_;
    my $field = RT::CustomField->new($system);
    $field->LoadByCols(Name => $name, LookupType => $type);
    unless ($field->id) {
        must($field->Create(Name => $name, Type => $kind, LookupType => $type));
        my $order = 0;
        must($field->AddValue(Name => $_, SortOrder => ++$order)) for @values;
    }
    for my $queue (values %queue) {
        next if $queue->Name eq 'Facilities' && $name eq 'Severity';
        next if $queue->Name eq 'Withdrawn' && $name ne 'Reference id';
        must($field->AddToObject($queue)) unless $field->IsAdded($queue->id);
    }
}

# The service account: no administrator, rights on these queues only.
my $router = RT::User->new($system); $router->Load('router');
must($router->Create(Name => 'router', EmailAddress => 'router@peer.test', Privileged => 1)) unless $router->id;
grant($router->PrincipalObj, $_, qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ModifyTicket CommentOnTicket
    SeeCustomField ModifyCustomField)) for values %queue;
grant($router->PrincipalObj, RT->System, qw(ModifySelf ManageAuthTokens));

# Somebody who gets a mail for each new ticket, as in a real team.
my $officer = RT::User->new($system); $officer->Load('officer');
must($officer->Create(Name => 'officer', EmailAddress => 'officer@peer.test', Privileged => 1)) unless $officer->id;
for my $queue (@queue{'Safeguarding', 'Facilities'}) {
    grant($officer->PrincipalObj, $queue, qw(SeeQueue ShowTicket SeeCustomField Watch WatchAsAdminCc));
    must($queue->AddWatcher(Type => 'AdminCc', PrincipalId => $officer->id))
        unless $queue->IsWatcher(Type => 'AdminCc', PrincipalId => $officer->id);
}

# RT keeps a digest of the token only, so it is written here once.
unless (-s $token_file) {
    my $as_router = RT::CurrentUser->new($system); $as_router->Load('router');
    my ($id, $message, $token) = RT::AuthToken->new($as_router)->Create(Owner => $router->id, Description => 'tests');
    must($id, $message);
    umask 077; open my $out, '>', $token_file or die "$token_file: $!\n"; print {$out} $token; close $out;
}

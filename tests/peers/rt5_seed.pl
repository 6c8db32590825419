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
# Withdrawn is where recalled tickets go; only the service account sees it. In Archive it may look and nothing else.
for my $name ('Safeguarding', 'Facilities', 'Withdrawn', 'Archive') {
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
grant($router->PrincipalObj, $_, qw(SeeQueue ShowTicket SeeCustomField)) for values %queue;
grant($router->PrincipalObj, $_, qw(ShowTicketComments CreateTicket ModifyTicket CommentOnTicket ModifyCustomField))
    for @queue{'Safeguarding', 'Facilities', 'Withdrawn'};
grant($router->PrincipalObj, RT->System, qw(ModifySelf ManageAuthTokens));

# Somebody who gets a mail for each new ticket and works on them, as in a real team.
my $officer = RT::User->new($system); $officer->Load('officer');
must($officer->Create(Name => 'officer', EmailAddress => 'officer@peer.test', Privileged => 1)) unless $officer->id;
for my $queue (@queue{'Safeguarding', 'Facilities'}) {
    grant($officer->PrincipalObj, $queue, qw(SeeQueue ShowTicket SeeCustomField Watch WatchAsAdminCc CreateTicket
        OwnTicket TakeTicket ModifyTicket DeleteTicket CommentOnTicket ModifyCustomField));
    must($queue->AddWatcher(Type => 'AdminCc', PrincipalId => $officer->id))
        unless $queue->IsWatcher(Type => 'AdminCc', PrincipalId => $officer->id);
}

grant($officer->PrincipalObj, RT->System, qw(ModifySelf ManageAuthTokens));

# RT keeps a digest of each token only, so they are written here once.
my %token_file = (router => $token_file, officer => "$token_file.officer");
for my $name (sort keys %token_file) {
    next if -s $token_file{$name};
    my $as = RT::CurrentUser->new($system); $as->Load($name);
    my ($id, $message, $token) = RT::AuthToken->new($as)->Create(Owner => $as->id, Description => 'tests');
    must($id, $message);
    umask 077; open my $out, '>', $token_file{$name} or die "$token_file{$name}: $!\n"; print {$out} $token; close $out;
}

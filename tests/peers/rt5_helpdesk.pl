# Gives RT a helpdesk: a queue with the custom fields of docs/helpdesk/rt.md, and its scrip.
# Arguments: a file with the condition's code, and one with the commit code. Doing it again changes nothing.
use strict; use warnings; use lib '/usr/share/request-tracker5/lib';
use RT; RT->LoadConfig; RT->Init;
my ($condition, $commit) = map { open my $in, '<', $_ or die "$_: $!\n"; local $/; <$in> } @ARGV;
my $system = RT->SystemUser;
sub must { my ($id, $message) = @_; die(($message // 'failed') . "\n") unless $id; return $id }

my $queue = RT::Queue->new($system); $queue->Load('Helpdesk');
must($queue->Create(Name => 'Helpdesk', Description => 'Helpdesk, for tests')) unless $queue->id;
my $type = RT::Ticket->CustomFieldLookupType;
for (['Reference id', 'FreeformSingle'], ['Asset', 'FreeformSingle'], ['Concern', 'SelectSingle', 'Abuse material', 'Fraud']) {
    my ($name, $kind, @values) = @$_;
    my $field = RT::CustomField->new($system);
    $field->LoadByCols(Name => $name, LookupType => $type);
    unless ($field->id) {
        must($field->Create(Name => $name, Type => $kind, LookupType => $type));
        must($field->AddValue(Name => $_)) for @values;
    }
    must($field->AddToObject($queue)) unless $field->IsAdded($queue->id);
}
for my $name ('router', 'officer') {
    my $user = RT::User->new($system); $user->Load($name);
    for my $right (qw(SeeQueue ShowTicket SeeCustomField ShowTicketComments CreateTicket ModifyTicket CommentOnTicket
        ModifyCustomField)) {
        $user->PrincipalObj->HasRight(Right => $right, Object => $queue)
            or must($user->PrincipalObj->GrantRight(Right => $right, Object => $queue));
    }
}
my $scrip = RT::Scrip->new($system); $scrip->LoadByCols(Description => 'Concern router');
if ($scrip->id) { must($scrip->Delete) }
$scrip = RT::Scrip->new($system);
must($scrip->Create(Queue => $queue->id, Description => 'Concern router', Template => 'Blank', Stage => 'TransactionCreate',
    ScripCondition => 'User Defined', ScripAction => 'User Defined', CustomIsApplicableCode => $condition,
    CustomPrepareCode => 'return 1;', CustomCommitCode => $commit));

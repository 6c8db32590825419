# Puts a scrip into RT. Arguments: queue, its description, a file with the condition's code, one with the commit code.
# Doing it again replaces it.
use strict; use warnings; use lib '/usr/share/request-tracker5/lib';
use RT; RT->LoadConfig; RT->Init;
my ($queue, $description, @files) = @ARGV;
my ($condition, $commit) = map { open my $in, '<', $_ or die "$_: $!\n"; local $/; <$in> } @files;
my $system = RT->SystemUser;
sub must { my ($id, $message) = @_; die(($message // 'failed') . "\n") unless $id; return $id }

my $scrip = RT::Scrip->new($system); $scrip->LoadByCols(Description => $description);
must($scrip->Delete) if $scrip->id;
$scrip = RT::Scrip->new($system);
must($scrip->Create(Queue => $queue, Description => $description, Template => 'Blank', Stage => 'TransactionCreate',
    ScripCondition => 'User Defined', ScripAction => 'User Defined', CustomIsApplicableCode => $condition,
    CustomPrepareCode => 'return 1;', CustomCommitCode => $commit));

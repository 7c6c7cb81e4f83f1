# What does a mail say to a reader that shares no code with Python's email package?
#
# Reads mails from stdin, each after a line with its length in octets, and answers each with one line of JSON:
# {"names": [...], "fields": {name: decoded value}, "body": decoded text}. Perl's own modules only.
use strict;
use warnings;
use Encode qw(decode);
use JSON::PP;
use MIME::Base64 qw(decode_base64);

$| = 1;
binmode STDIN;
binmode STDOUT;
my $json = JSON::PP->new->utf8->canonical;

while (defined(my $length = <STDIN>)) {
    read(STDIN, my $mail, $length) == $length or die "cut short";
    my ($head, $body) = split /\r\n\r\n/, $mail, 2;
    $head =~ s/\r\n(?=[ \t])//g;
    my (@names, %fields);
    for my $line (split /\r\n/, $head) {
        my ($name, $value) = $line =~ /^([!-9;-~]+):[ \t]*(.*)$/s or die "no field: $line";
        push @names, $name;
        $fields{$name} = decode("MIME-Header", $value);
    }
    my $text = decode("UTF-8", decode_base64($body), Encode::FB_CROAK);
    print $json->encode({names => \@names, fields => \%fields, body => $text}), "\n";
}

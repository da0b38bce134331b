using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

/// <summary>Output to terminals of any width, to full disks and to closed streams.</summary>
public sealed class DisplayTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --threads 1 --epochs 2";
    private const string Program = "Onward.Cli";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    public void Messages_that_cannot_be_written_are_dropped_and_the_run_goes_on(string redirection)
    {
        (int code, string output) = Shell($"{{onward}} {Small} --out run --json {redirection}");

        Assert.Equal(0, code);
        Assert.Equal("run", (string)JsonNode.Parse(output)!["run"]!);
        Assert.Equal(3, File.ReadAllLines(_workplace["work/run/metrics.csv"]).Length);
    }

    // A terminal that is closed takes the first messages and none after them.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Messages_that_can_no_longer_be_written_are_dropped(bool isTerminal)
    {
        using ClosingWriter error = new(lines: 1);
        using StringWriter output = new();

        int code = Cli.Run([.. $"{Small} --out run".Split(' ').Select(word => word.Replace("{data}", _workplace.Data))], new Host
        {
            Out = output,
            Error = error,
            ErrorIsTerminal = isTerminal,
            WorkingDirectory = _workplace["work"],
        });

        Assert.Equal(0, code);
        Assert.Contains("test error", output.ToString());
        Assert.True(File.Exists(_workplace["work/run/result.json"]));
    }

    [Theory]
    [InlineData(">/dev/full", "No space left on device")]
    [InlineData(">&-", "Bad file descriptor")]
    [InlineData("| true", "Broken pipe")]
    public void A_result_that_cannot_be_written_ends_the_command_in_one_line(string redirection, string fault)
    {
        _workplace.Run($"{Small} --out run");
        string[] commands =
        [
            "runs .", "data list", "data info digits", "inspect S/1/1", "eval run --json", "train --resume run", "doctor",
            "train --dump-config", "--version", "--help",
        ];
        foreach (string command in commands)
        {
            (int code, string messages) = Shell($"exec 3>&1; ( sleep 0.2; {{onward}} {command} 2>&3; echo $? >&3 ) {redirection}");

            string[] lines = messages.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(0, code);
            Assert.True(
                lines[^1] == "2" && lines[^2].StartsWith($"onward: standard output cannot be written: {fault}. ", StringComparison.Ordinal),
                $"{command}: {messages}");
            Assert.True(lines.Length == 2 || command.Contains("--resume", StringComparison.Ordinal), $"{command}: {messages}");
        }
    }

    [Fact]
    public void With_json_a_terminal_gets_nothing_else_on_standard_output()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "There is no 'script' here (Debian: apt-get install bsdutils).");
        string[] commands =
        [
            $"{Small} --out run", "eval run", "data list", "data info digits", "inspect S/1/1", "runs .", "doctor",
            "bench --model S/1/1 --seconds 0.1", $"{Small} --dry-run",
        ];
        foreach (string command in commands)
        {
            (int code, string output) = Shell(
                $"script -qec '{{onward}} {command} --json 2>/dev/null' /dev/null </dev/null", "xterm-256color");

            Assert.Equal(0, code);
            Assert.All(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => JsonNode.Parse(line));
            Assert.DoesNotContain('\e', output);
        }
    }

    [Fact]
    public void With_json_a_terminal_gets_whole_lines_of_messages_only()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "There is no 'script' here (Debian: apt-get install bsdutils).");

        (int code, string output) = Shell($"script -qec '{{onward}} {Small} --out run --json' /dev/null </dev/null", "xterm-256color");

        Assert.Equal(0, code);
        Assert.DoesNotContain('\e', output);
        Assert.DoesNotContain('\r', output.Replace("\r\n", "\n", StringComparison.Ordinal));
        Assert.StartsWith("{", output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
    }

    [Fact]
    public void The_rows_of_epochs_stay_when_a_run_has_ended()
    {
        Workplace.Result result = _workplace.Run($"{Small} --out run", errorIsTerminal: true);

        string shown = Show(result.Error);
        Assert.Equal(0, result.Code);
        const string Numbers = @"( +\d+\.\d\d %){2} +[\d,]+  \d\.\d{3}\n";
        Assert.Matches(
            @"^training S/1/1 in \S+\nepoch  train error  test error  images/s  block losses\n"
            + $"  1/2{Numbers}  2/2{Numbers}$",
            shown);
        Assert.DoesNotContain('\e', result.Error);
    }

    [Fact]
    public void An_evaluation_shows_how_far_it_is()
    {
        _workplace.Run($"{Small} --out run");

        Workplace.Result result = _workplace.Run("eval run", errorIsTerminal: true);

        Assert.Contains("100 % of the training images evaluated: 64 of 64", result.Error);
        Assert.Contains("100 % of the test images evaluated: 32 of 32", result.Error);
        Assert.Equal("", Show(result.Error));
    }

    [Fact]
    public void On_a_narrow_terminal_lines_break_between_words_and_paths_stay_whole()
    {
        string deep = $"{new string('d', 90)}/run";
        _workplace.Run(
            ["train", "--data", _workplace.Data, "--model", "S/1/1", "--batch-size", "16", "--epochs", "2", "--lr", "0.05", "--out", deep]);
        Workplace.Result runs = _workplace.Run(["runs", "."], width: 80);
        Workplace.Result again = _workplace.Run(["train", "--resume", deep], width: 80);
        Workplace.Result doctor = _workplace.Run(["doctor"], width: 80);
        Workplace.Result taken = _workplace.Run(["train", "--data", _workplace.Data, "--out", deep], width: 80);

        string root = _workplace["work/"];
        foreach (string line in new[] { runs, again, doctor, taken }.SelectMany(result => result.OutLines.Concat(result.ErrorLines)))
        {
            Assert.True(
                line.Length <= 80 || line.Contains(deep, StringComparison.Ordinal)
                    || line.Contains(root, StringComparison.Ordinal) && !line.Trim().Contains(' ', StringComparison.Ordinal),
                line);
        }

        Assert.Contains(runs.OutLines, line => line.Trim() == deep);
        Assert.Contains(runs.OutLines, line => line.Contains("lr=0.05", StringComparison.Ordinal));
        Assert.Contains(
            again.OutLines,
            line => line.Trim().EndsWith(deep, StringComparison.Ordinal) && !line.Trim().Contains(' ', StringComparison.Ordinal));
        Assert.Contains("is not empty", string.Join(' ', taken.ErrorLines));
    }

    [Theory]
    [InlineData("runs/a-b_c.1", "runs/a-b_c.1")]
    [InlineData("my runs/a", "\"my runs/a\"")]
    [InlineData("it's", "\"it's\"")]
    [InlineData("a$b 'c'", "'a$b '\\''c'\\'''")]
    [InlineData("~a", "\"~a\"")]
    [InlineData("a\nb\u001b[1m", "$'a\\x0ab\\x1b[1m'")]
    [InlineData("", "\"\"")]
    public void A_shell_reads_a_quoted_word_as_it_was(string word, string quoted)
    {
        Assert.Equal(quoted, CommandLineText.Quote(word));
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"printf %s {quoted}"]) { RedirectStandardOutput = true })!;
        Assert.Equal(word, shell.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void A_printed_command_can_be_copied()
    {
        string folder = "my runs/it's $HOME";
        Workplace.Result stopped = _workplace.Run(
            ["train", "--data", _workplace.Data, "--model", "S/1/1", "--batch-size", "16", "--epochs", "3", "--out", folder],
            interruptAt: "epoch 1/3");
        string command = stopped.ErrorLines[^1][(stopped.ErrorLines[^1].IndexOf("'onward ", StringComparison.Ordinal) + 1)..^2];

        (int code, _) = Shell(command.Replace("onward ", "{onward} ", StringComparison.Ordinal));

        Assert.Equal(130, stopped.Code);
        Assert.Equal(0, code);
        Assert.True(File.Exists(_workplace[$"work/{folder}/result.json"]));
    }

    public void Dispose() => _workplace.Dispose();

    // What a terminal shows in the end: a carriage return goes back to the head of a line.
    private static string Show(string text) => string.Join('\n', text.Split('\n').Select(line =>
    {
        char[] shown = [];
        foreach (string part in line.Split('\r'))
        {
            shown = [.. part, .. shown.Skip(part.Length)];
        }

        return new string(shown).TrimEnd();
    }));

    private (int Code, string Output) Shell(string command, string terminal = "dumb")
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Redirections are a shell's.");
        string program = Path.Combine(AppContext.BaseDirectory, Program);
        command = command
            .Replace("{onward}", program, StringComparison.Ordinal)
            .Replace("{data}", _workplace.Data, StringComparison.Ordinal);
        ProcessStartInfo start = new("bash", ["-c", command])
        {
            WorkingDirectory = _workplace["work"],
            RedirectStandardOutput = true,
        };
        start.Environment["TERM"] = terminal;
        using Process shell = Process.Start(start)!;
        string output = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        return (shell.ExitCode, output);
    }

    private sealed class ClosingWriter(int lines) : StringWriter
    {
        private int _left = lines;

        public override void Write(string? value) => Take();

        public override void WriteLine(string? value) => Take();

        private void Take()
        {
            if (_left-- <= 0)
            {
                throw new IOException("Input/output error");
            }
        }
    }
}

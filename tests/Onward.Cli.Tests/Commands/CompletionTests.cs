using System.Diagnostics;

namespace Onward.Cli.Tests;

public sealed class CompletionTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("tr", "train")]
    [InlineData("data", "data")]
    [InlineData("data v", "verify views")]
    [InlineData("data info ", "cifar-10 digits fashion-mnist folder idx mnist text")]
    [InlineData("train --ru", "--rule")]
    [InlineData("train --rule LG-FG", "LG-FG-A LG-FG-W")]
    [InlineData("train --rule lg-bp", "LG-BP")]
    [InlineData("train --rule BP --model m", "M/1/16 M/8/16 mlp")]
    [InlineData("train --dataset fa", "fashion-mnist")]
    [InlineData("train --perturbation ", "gaussian orthogonal rademacher")]
    [InlineData("train --json --dat", "--data --dataset")]
    [InlineData("runs --json ", "--best --help --json")]
    [InlineData("compare --rules BP,DF", "BP,DFA")]
    [InlineData("inspect S", "S/1/1")]
    [InlineData("completion ", "bash fish powershell zsh")]
    [InlineData("train --data ", "")]
    [InlineData("train --out ru", "")]
    [InlineData("predict runs/", "")]
    public void What_may_stand_at_the_end_of_a_line_is_suggested(string line, string expected)
    {
        using StringWriter output = new() { NewLine = "\n" };
        using StringWriter error = new();

        Assert.Equal(0, Cli.Run(["[suggest]", $" {line}"], new Host { Out = output, Error = error }));
        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("", error.ToString());
    }

    [Fact]
    public void A_shell_that_is_not_known_is_refused() =>
        _workplace.Refuse("completion bsh", "SHELL: unknown value 'bsh'; did you mean 'bash'?");

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("powershell")]
    public void A_script_asks_the_program(string shell)
    {
        string script = _workplace.Run($"completion {shell}").Out
            .Replace("\"$1\"", "onward", StringComparison.Ordinal)
            .Replace("$words[1]", "onward", StringComparison.Ordinal);

        Assert.Contains("onward '[suggest]'", script);
    }

    // The function that Tab would call, called as Bash calls it.
    [Theory]
    [InlineData("onward train --rule LG-FG", "LG-FG-A LG-FG-W")]
    [InlineData("onward train --model M/", "M/1/16 M/8/16")]
    [InlineData(
        "onward ",
        "bench compare completion data doctor eval export find-lr inspect predict report reproduce runs sample sweep train variance")]
    public void Bash_completes(string line, string expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Bash is at hand on Linux.");
        File.WriteAllText(_workplace["onward.bash"], _workplace.Run("completion bash").Out);
        File.CreateSymbolicLink(_workplace["onward"], Path.Combine(AppContext.BaseDirectory, "Onward.Cli"));
        ProcessStartInfo start = new("bash") { RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("PATH=$0:$PATH; source $0/onward.bash; COMP_LINE=$1 COMP_POINT=${#1}; _onward onward; echo ${COMPREPLY[@]}");
        start.ArgumentList.Add(_workplace.Path);
        start.ArgumentList.Add(line);

        using Process bash = Process.Start(start)!;

        Assert.Equal(expected, bash.StandardOutput.ReadToEnd().TrimEnd());
    }

    public void Dispose() => _workplace.Dispose();
}

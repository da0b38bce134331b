namespace Onward.Cli.Tests;

public sealed class HelpTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("--help", "onward bench --model M/8/16")]
    [InlineData("train --help", "onward train --dataset digits --epochs 5")]
    [InlineData("runs --help", "onward runs compare --best")]
    [InlineData("report --help", "onward report runs/a runs/b runs/c --out three.html")]
    [InlineData("eval --help", "onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1")]
    [InlineData("predict --help", "onward predict runs/mnist-M-1-16-LG-FG-A-seed1 digit.png")]
    [InlineData("export --help", "onward export runs/mnist-M-1-16-LG-FG-A-seed1 model.onnx")]
    [InlineData("inspect --help", "onward inspect M/8/16")]
    [InlineData("doctor --help", "onward doctor --out /data/runs --json")]
    [InlineData("compare --help", "onward compare --rules LG-FG-A,BP,FG-W --epochs 5 --seeds 1")]
    [InlineData("reproduce --help", "onward reproduce --table 3 --row LG-FG-A --column MNIST-M/1/16")]
    [InlineData("data --help", "onward data info cifar-10")]
    [InlineData("data info --help", "onward data verify mnist")]
    [InlineData("data views --help", "onward data views --dataset cifar-10")]
    [InlineData("bench -h", "onward bench --model M/1/16")]
    [InlineData("variance --help", "onward variance --layer 128x64")]
    [InlineData("completion --help", "source <(onward completion bash)")]
    [InlineData("train --epochs x --help", "onward train --dataset digits --epochs 5")]
    public void Help_teaches_with_examples_and_exit_codes(string command, string example)
    {
        Workplace.Result result = _workplace.Run(command);

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.Contains(example, result.Out);
        Assert.Contains("3 training diverged, 130 interrupted", result.Out);
    }

    [Fact]
    public void No_command_shows_the_help()
    {
        using StringWriter output = new();
        using StringWriter error = new();

        Assert.Equal(0, Cli.Run([], new Host { Out = output, Error = error }));
        Assert.Contains("without backpropagation", output.ToString());
    }

    [Fact]
    public void The_version_is_one_line() => Assert.Equal("onward 0.2.0\n", _workplace.Run("--version").Out);

    public void Dispose() => _workplace.Dispose();
}

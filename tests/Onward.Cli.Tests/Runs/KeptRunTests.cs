using Onward.Training;

namespace Onward.Cli.Tests;

/// <summary>Runs that programs keep.</summary>
public sealed class KeptRunTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    private readonly TrainingOptions _training = new() { Epochs = 1, LearningRate = 0.03, Seed = 1 };

    [Fact]
    public void Folder_of_another_rule_is_refused()
    {
        using (KeptRun.Open(_folder, "digits", "S/1/1", "LG-FG-A", _training, cancellation: _cancellation))
        {
        }

        RunException fault = Assert.Throws<RunException>(
            () => KeptRun.Open(_folder, "digits", "S/1/1", "BP", _training, cancellation: _cancellation));

        Assert.Contains("was begun with rule \"LG-FG-A\", but now rule is \"BP\"", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_rule_is_refused() =>
        Assert.Throws<RunException>(() => KeptRun.Open(_folder, "digits", "S/1/1", "LG-XX", _training, cancellation: _cancellation));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}

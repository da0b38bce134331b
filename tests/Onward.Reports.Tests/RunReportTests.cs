using Onward.Training;

namespace Onward.Reports.Tests;

/// <summary>Reports that programs write.</summary>
public sealed class RunReportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onward-reports-").FullName;

    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public void A_page_shows_each_run_with_its_confusions()
    {
        Train("a/run");
        Train("b/run");

        IReadOnlyList<string> lacks = RunReport.Write([At("a/run"), At("b/run/")], At("page.html"), cancellation: _cancellation);

        string page = File.ReadAllText(At("page.html"));
        Assert.Empty(lacks);
        Assert.Equal(3, page.Split("<h3>Confusion matrix").Length);
        Assert.Contains(">a/run<", page, StringComparison.Ordinal);
        Assert.Contains(">b/run<", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_without_a_model_is_shown_and_its_lack_is_told()
    {
        using (KeptRun.Open(At("run"), "digits", "S/1/1", "LG-FG-A", Options(), cancellation: _cancellation))
        {
        }

        IReadOnlyList<string> lacks = RunReport.Write([At("run")], At("page.html"), cancellation: _cancellation);

        Assert.Equal("run: no confusion matrix and no images: there is no model, because no epoch has ended.", Assert.Single(lacks));
        Assert.Contains("No epoch has ended yet.", File.ReadAllText(At("page.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_and_files_that_cannot_be_used_are_refused_in_words_of_no_command_line()
    {
        Train("run");

        Refuse([At("run"), At("run/")], At("page.html"), "is named twice");
        Refuse([], At("page.html"), "at least one run");
        Refuse([At("absent")], At("page.html"), "absent: no such folder. Name the folder of a run.");
        Refuse([At("run")], At("run"), "it is a folder. Name a file in a folder that can be written to.");
        Refuse([At("run")], At("absent/page.html"), "there is no folder");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Refuse(string[] runs, string path, string expected)
    {
        RunException fault = Assert.Throws<RunException>(() => RunReport.Write(runs, path, cancellation: _cancellation));

        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("onward train", fault.Message, StringComparison.Ordinal);
    }

    private static TrainingOptions Options() => new() { Epochs = 1, LearningRate = 0.03, Seed = 1, MaximumSteps = 2 };

    private void Train(string name)
    {
        using KeptRun run = KeptRun.Open(At(name), "digits", "S/1/1", "LG-FG-A", Options(), cancellation: _cancellation);
        run.Train();
    }

    private string At(string name) => Path.Combine(_folder, name);
}

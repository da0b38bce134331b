using System.Numerics.Tensors;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli.Tests;

/// <summary>Run folders that earlier builds have left, interrupted within an epoch.</summary>
/// <remarks>
/// <c>version-0.1</c> is of the last build with that version: LG-FG-A. <c>version-0.2</c> is of the last build whose engine ran LocalMixer
/// alone: FG-A with learned feedback. Beside each lies the model that the same build came to, with vectors of 512 bits, when it resumed the
/// run.
/// </remarks>
public sealed class EarlierRunTests : IDisposable
{
    // Other vectors add in another order. These runs amplify the differences to 2e-6 of the norm of a parameter.
    private const double Tolerance = 1e-4;

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("version-0.1")]
    [InlineData("version-0.2")]
    public void A_run_of_an_earlier_build_resumes_to_the_model_of_that_build(string run)
    {
        string earlier = Path.Combine(AppContext.BaseDirectory, "Runs", "Earlier");
        CopyFolder(Path.Combine(earlier, run), _workplace["work/run"]);
        CopyFolder(Path.Combine(earlier, "images"), _workplace["images"]);

        Workplace.Result result = _workplace.Run("train --resume run --data {path}/images");

        Assert.Equal(0, result.Code);
        Network expected = ModelFile.Load(Path.Combine(earlier, $"{run}.safetensors"));
        Network actual = ModelFile.Load(_workplace["work/run/model.safetensors"]);
        foreach (Parameter parameter in expected.Values.Layout.Parameters)
        {
            ReadOnlySpan<float> before = expected.Values.Read(parameter), now = actual.Values.Read(parameter);
            Assert.True(TensorPrimitives.Distance(before, now) <= Tolerance * TensorPrimitives.Norm(before), parameter.Name);
        }
    }

    public void Dispose() => _workplace.Dispose();

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}

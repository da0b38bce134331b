using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Oracle;

/// <summary>The inputs that a rule refuses, and the messages.</summary>
public sealed class ForwardGradientFaultTests : IDisposable
{
    private readonly TinyNetwork _network = TinyNetwork.Create("all normalisations");
    private readonly WorkerTeam _team = new(2);

    [Fact]
    public void Step_rejects_pixels_that_do_not_fit_the_labels()
    {
        TrainingStep training = new(_network.Model, Rule(), _team);

        ArgumentException e = Assert.Throws<ArgumentException>(() => training.Run(_network.FlatPixels.AsMemory(1), _network.Labels, 0));

        Assert.Contains("3 images of 32 numbers has 96 numbers", e.Message, StringComparison.Ordinal);
        Assert.Contains("got 95", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Step_rejects_an_empty_batch()
    {
        TrainingStep training = new(_network.Model, Rule(), _team);

        ArgumentException e = Assert.Throws<ArgumentException>(
            () => training.Run(ReadOnlyMemory<float>.Empty, ReadOnlyMemory<int>.Empty, 0));

        Assert.Contains("at least one image", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void Step_rejects_labels_outside_the_classes_and_works_on_afterwards(int label)
    {
        TrainingStep training = new(_network.Model, Rule(), _team);
        training.Run(_network.FlatPixels, _network.Labels, 0);
        float[] expected = training.Gradients.All.ToArray();

        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(
            () => training.Run(_network.FlatPixels, new[] { 0, label, 1 }, 0));
        training.Run(_network.FlatPixels, _network.Labels, 0);

        Assert.Equal("label", e.ParamName);
        Assert.Equal(label, e.ActualValue);
        Assert.Equal(expected, training.Gradients.All);
    }

    [Theory]
    [InlineData(LossScope.Patch)]
    [InlineData(LossScope.Patch | LossScope.Group)]
    public void Scope_with_parts_must_include_the_blocks(LossScope scope)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Rule(scope));

        Assert.Contains("must include Block", e.Message, StringComparison.Ordinal);
        Assert.Contains($"got {scope}", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(ForwardGradient.MaximumPasses + 1)]
    public void Passes_must_be_1_to_as_many_as_noise_can_name(int passes)
    {
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => Rule(passes: passes));

        Assert.Equal("passes", e.ParamName);
    }

    [Fact]
    public void Perturbation_must_be_given() =>
        Assert.Throws<ArgumentNullException>(() => new ForwardGradient(null!, LossScope.All, 1, seed: 0));

    public void Dispose() => _team.Dispose();

    private static ForwardGradient Rule(LossScope scope = LossScope.All, int passes = 1) =>
        new(NoiseDistribution.Gaussian, scope, passes, seed: 0);
}

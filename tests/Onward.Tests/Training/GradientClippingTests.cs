using Onward.Communication;
using Onward.Models;
using Onward.Tests.Communication;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class GradientClippingTests
{
    private static readonly Network Model =
        LocalMixer.Build(LocalMixerPresets.Get("M/8/16", imageSide: 32, imageChannels: 3, classes: 10));

    private static readonly TrainedParameter[] All =
        [.. Model.Values.Layout.Parameters.Select(parameter => new TrainedParameter(parameter, parameter.IsMatrix))];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Gradients_above_the_limit_are_scaled_to_it(int threads)
    {
        using WorkerTeam team = new(threads);
        GradientClipping clipping = new(2.5, Model.Values.Layout, All, team, new SingleProcess());
        ParameterVector gradients = Gradients();
        float[] before = [.. gradients.All];
        double norm = Tolerance.Norm(before);

        clipping.Apply(gradients);

        Tolerance.Near(norm, clipping.Norm, Tolerance.Double, norm, "norm");
        Tolerance.Near([.. before.Select(g => g * (2.5 / norm))], gradients.All, Tolerance.Kernel, "gradients");
        Tolerance.Near(2.5, Tolerance.Norm(gradients.All), Tolerance.Kernel, 2.5, "norm of the clipped gradients");
    }

    [Fact]
    public void Gradients_below_the_limit_stay()
    {
        using WorkerTeam team = new(2);
        ParameterVector gradients = Gradients();
        float[] before = [.. gradients.All];

        new GradientClipping(1e6, Model.Values.Layout, All, team, new SingleProcess()).Apply(gradients);

        Tolerance.Same(before, gradients.All, "gradients");
    }

    // A norm that no float holds.
    [Fact]
    public void Huge_gradients_are_scaled_too()
    {
        using WorkerTeam team = new(2);
        ParameterVector gradients = Gradients();
        foreach (ref float gradient in gradients.All)
        {
            gradient *= 1e38f;
        }

        new GradientClipping(1, Model.Values.Layout, All, team, new SingleProcess()).Apply(gradients);

        Tolerance.Near(1, Tolerance.Norm(gradients.All), Tolerance.Kernel, 1, "norm");
    }

    // Each of the processes has the parameters of its own blocks.
    [Fact]
    public void Processes_with_blocks_of_their_own_find_the_norm_of_all() => ThreadRanks.Run(3, world =>
    {
        using RankGrid grid = new(world, 1, 3);
        using WorkerTeam team = new(1);
        GradientClipping alone = new(2.5, Model.Values.Layout, All, team, new SingleProcess());
        TrainedParameter[] own = [.. All.Where((_, i) => i * 3 / All.Length == world.Rank)];
        GradientClipping shared = new(2.5, Model.Values.Layout, own, team, grid.Chain);
        ParameterVector whole = Gradients(), part = Gradients();

        alone.Apply(whole);
        shared.Apply(part);

        Assert.Equal(alone.Norm, shared.Norm);
        Assert.All(own, trained => Tolerance.Same(whole[trained.Parameter], part[trained.Parameter], trained.Parameter.Name));
    });

    [Fact]
    public void An_update_clips_before_the_optimizer()
    {
        Network model = LocalMixer.Build(TrainedRun.SmallNetwork);
        TrainingOptions options = new() { Epochs = 1, LearningRate = 1, Momentum = 0, WeightDecay = 0, Seed = 1, ClipNorm = 0.5 };
        using WorkerTeam team = new(2);
        ParameterUpdate update = ParameterUpdate.Of(model.Values.Layout, TrainedParameter.Of(model, options), options, team);
        ParameterVector gradients = new(model.Values.Layout);
        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            Numbers.Uniform(parameter.Offset, parameter.Length).CopyTo(gradients[parameter]);
        }

        update.Apply(model.Values, gradients, rate: 1);

        Tolerance.Near(0.5, Tolerance.Norm(model.Values.All), Tolerance.Kernel, 0.5, "norm of the step");
    }

    private static ParameterVector Gradients()
    {
        ParameterVector gradients = new(Model.Values.Layout);
        foreach (Parameter parameter in Model.Values.Layout.Parameters)
        {
            Numbers.Uniform(parameter.Offset, parameter.Length).CopyTo(gradients[parameter]);
        }

        return gradients;
    }
}

using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class ParameterUpdateTests
{
    // The first weight has 784 x 48 numbers, more than one slice; no bias of the heads fills a vector.
    private static readonly LocalMixerOptions Options = new()
    {
        Blocks = 2,
        PatchesPerSide = 1,
        Channels = 48,
        Groups = 3,
        ImageSide = 28,
        ImageChannels = 1,
        Classes = 10,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Update_is_the_rule_applied_to_each_parameter(int threads)
    {
        LocalMixer model = new(Options);
        model.Initialize(3);
        Sgd sgd = new(0.9, 0.01);
        using WorkerTeam team = new(threads);
        ParameterUpdate update = new(model.Values.Layout, sgd, team);
        ParameterVector gradients = new(model.Values.Layout), expected = new(model.Values.Layout), velocity = new(model.Values.Layout);
        model.Values.All.CopyTo(expected.All);
        for (int step = 0; step < 3; step++)
        {
            // The padding too: an update that ran over it would leave its mark.
            Numbers.Uniform(step, gradients.All.Length).CopyTo(gradients.All);
            foreach (Parameter parameter in model.Values.Layout.Parameters)
            {
                bool decay = parameter.Name.EndsWith(".weight", StringComparison.Ordinal);
                sgd.Update(expected[parameter], gradients[parameter], velocity[parameter], 0.1, decay);
            }

            update.Apply(model.Values, gradients, 0.1);

            Tolerance.Same(expected.All, model.Values.All, $"values after step {step}");
            Tolerance.Same(velocity.All, update.Velocity.All, $"velocity after step {step}");
        }

        RequirePadding(model.Values);
        RequirePadding(update.Velocity);
    }

    private static void RequirePadding(ParameterVector vector)
    {
        float[] rest = [.. vector.All];
        foreach (Parameter parameter in vector.Layout.Parameters)
        {
            rest.AsSpan(parameter.Offset, parameter.Length).Clear();
        }

        Assert.True(rest.Length > vector.Layout.Count, "The layout has no padding to look at.");
        Assert.All(rest, value => Assert.Equal(0, value));
    }
}

namespace Onward.Tests.Data;

/// <summary>The true files of MNIST, where this machine has them.</summary>
internal static class RealMnist
{
    public static string FolderOrSkip() => RealData.FolderOrSkip("mnist", "train-images-idx3-ubyte.gz");
}
